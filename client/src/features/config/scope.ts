import { useSearchParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { useOrg } from "@/shared/org/org";
import { strings } from "@/strings/config";

/** Whose values are shown and changed. */
export interface ConfigScope {
  /** The organization; absent for the global values. */
  orgId: string | undefined;
  /** Goes on every button that acts. */
  name: string;
}

/** The scope of the address: its organization, or the global values for administrators. */
export function useConfigScope(): ConfigScope | undefined {
  const org = useOrg();
  const { is_administrator } = useMe();
  const [params] = useSearchParams();
  if (is_administrator && (org.isAll || params.get("scope") === "global")) {
    return { orgId: undefined, name: strings.allOrganizations };
  }
  return org.isAll ? undefined : { orgId: org.id, name: org.name };
}

/** Where a value of the list came from, in words. */
export function sourceName(origin: "organization" | "global", scope: ConfigScope): string {
  return origin === "global" ? strings.global : scope.name;
}
