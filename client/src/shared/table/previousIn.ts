/**
 * Keeps the rows of the last question on show, dimmed, until the next are there. Rows of another organization never stay:
 * query keys start `["orgs", orgId]`.
 */
export function previousIn(orgId: string) {
  return <T>(previous: T | undefined, query: { queryKey: readonly unknown[] } | undefined): T | undefined =>
    query?.queryKey[1] === orgId ? previous : undefined;
}
