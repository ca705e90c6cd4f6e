import { useParams } from "react-router";
import { type Me, type MyOrganization, type Permissions, useMe } from "@/shared/me/me";
import { strings } from "@/strings/shared";

/** The organization in the address. */
export interface Org {
  /** Its id, or `all`. Query keys start `["orgs", id, ...]`. */
  id: string;
  /** Its name, or "All organizations". */
  name: string;
  /** Whether the address names all organizations instead of one. */
  isAll: boolean;
  /** Whether things run for it. */
  isActive: boolean;
  /** What the caller may do there; for `all`, what they may do in at least one. */
  permissions: Permissions;
  /** The categories of workflows they may run there; left out: every workflow. */
  categories?: string[];
}

/** The organization in the address, which alone decides what a page acts on. Only inside `/o/:org`. */
export function useOrg(): Org {
  const me = useMe();
  const { org: id } = useParams();
  const org = id === undefined ? undefined : orgFrom(me, id);
  if (!org) {
    throw new Error("useOrg() needs an address under /o/:org that the caller may see.");
  }
  return org;
}

/** An organization by its id; `undefined` if the caller does not see it. */
export function orgFrom(me: Me, id: string): Org | undefined {
  if (id === "all") {
    return { id, name: strings.allOrganizations, isAll: true, isActive: true, permissions: anywhere(me.organizations) };
  }
  const found = me.organizations.find((organization) => organization.id === id);
  return (
    found && {
      id,
      name: found.name,
      isAll: false,
      isActive: found.is_active,
      permissions: { ...NONE, ...found.permissions },
      ...(found.categories && { categories: found.categories }),
    }
  );
}

/** A page of an organization: `orgPath(org.id, "executions/123")`. */
export function orgPath(orgId: string, rest: string): string {
  return `/o/${orgId}/${rest.replace(/^\//, "")}`;
}

const NONE: Permissions = {
  execute_workflows: false,
  manage_config: false,
  manage_forms: false,
  view_history: false,
};

function anywhere(organizations: MyOrganization[]): Permissions {
  const some = (right: keyof Permissions) => organizations.some(({ permissions }) => permissions[right] === true);
  return {
    execute_workflows: some("execute_workflows"),
    manage_config: some("manage_config"),
    manage_forms: some("manage_forms"),
    view_history: some("view_history"),
  };
}
