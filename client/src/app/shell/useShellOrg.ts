import { useParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { type Org, orgFrom } from "@/shared/org/org";
import { usePreferences } from "@/shared/preferences/preferences";

/**
 * The organization in the address; on pages that belong to none (the account), the one used last, and without one all of
 * them. For the shell. Pages use `useOrg`, which never guesses.
 */
export function useShellOrg(): Org {
  const me = useMe();
  const { recent } = usePreferences();
  const { org: id } = useParams();
  const org = [id, ...(id === undefined ? recent : []), "all"].flatMap((each) => (each && orgFrom(me, each)) || [])[0];
  if (!org) {
    throw new Error("`all` is always an organization.");
  }
  return org;
}
