import type { components } from "@/types/api";
import type { Preferences, TablePreferences } from "./preferences";

type Settings = components["schemas"]["UserSettings"];
type TableSettings = components["schemas"]["TableSettings"];

/** What somebody new has. */
export const DEFAULTS: Preferences = {
  favourites: [],
  favouriteWorkflows: [],
  recent: [],
  theme: "system",
  shortcuts: true,
  tables: {},
  sidebarCollapsed: false,
};

/** The server's settings as preferences; what it does not keep is left out. */
export function fromSettings(settings: Settings): Omit<Preferences, "sidebarCollapsed"> {
  return {
    favourites: settings.favourites.organizations,
    favouriteWorkflows: settings.favourites.workflows,
    recent: settings.recent.organizations,
    theme: settings.theme,
    shortcuts: settings.shortcuts,
    tables: mapValues(settings.tables, fromTable),
  };
}

/** Preferences as the server keeps them. What this client does not know of stays as the server has it. */
export function toSettings(preferences: Preferences, known: Settings): Settings {
  const { favourites, favouriteWorkflows, recent, theme, shortcuts, tables } = preferences;
  return {
    ...known,
    favourites: { ...known.favourites, organizations: favourites, workflows: favouriteWorkflows },
    recent: { ...known.recent, organizations: recent },
    theme,
    shortcuts,
    tables: mapValues(tables, toTable),
  };
}

function fromTable({ columns, widths, page_size }: TableSettings): TablePreferences {
  return { widths, ...(columns && { columns }), ...(page_size && { page_size }) };
}

function toTable({ columns, widths, page_size }: TablePreferences): TableSettings {
  return { columns: columns ?? null, widths: widths ?? {}, page_size: page_size ?? null };
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
