import type { MyOrganization } from "@/shared/me/me";
import { strings } from "@/strings/shell";

/** Organizations under one heading of the switcher. */
export interface OrgGroup {
  key: "favourites" | "recent" | "all";
  label: string;
  organizations: MyOrganization[];
}

/** The organizations as the switcher shows them: favourites, those used last, then all; searched, only the matches. */
export function orgGroups(
  organizations: MyOrganization[],
  { favourites, recent }: { favourites: string[]; recent: string[] },
  search: string,
): OrgGroup[] {
  const wanted = plain(search);
  if (wanted !== "") {
    const matches = organizations.filter(({ name, id }) => plain(name).includes(wanted) || id === wanted);
    // Names that begin with what was typed are meant more often than those that contain it.
    matches.sort((a, b) => Number(plain(b.name).startsWith(wanted)) - Number(plain(a.name).startsWith(wanted)));
    return matches.length === 0 ? [] : [{ key: "all", label: strings.matches, organizations: matches }];
  }
  const byId = new Map(organizations.map((organization) => [organization.id, organization]));
  const known = (ids: string[]) => ids.flatMap((id) => byId.get(id) ?? []);
  const groups: OrgGroup[] = [
    { key: "favourites", label: strings.favourites, organizations: known(favourites) },
    { key: "recent", label: strings.recent, organizations: known(recent) },
    { key: "all", label: strings.all, organizations },
  ];
  return groups.filter((group) => group.organizations.length > 0);
}

/** Without case and accents: `Café` is found as `cafe`. */
function plain(text: string): string {
  return text.trim().toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
