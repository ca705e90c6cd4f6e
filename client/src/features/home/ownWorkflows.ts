import type { Workflow } from "@/shared/workflows/metadataQuery";

const SHOWN = 8;

/** The workflows to have at hand: favourites first, then the most used, then the others by name. */
export function ownWorkflows(workflows: Workflow[], favourites: string[], used: Map<string, number>): Workflow[] {
  const rank = ({ name }: Workflow) => (favourites.includes(name) ? favourites.indexOf(name) : favourites.length);
  const uses = ({ name }: Workflow) => used.get(name) ?? 0;
  return [...workflows]
    .sort((a, b) => rank(a) - rank(b) || uses(b) - uses(a) || a.name.localeCompare(b.name))
    .slice(0, SHOWN);
}
