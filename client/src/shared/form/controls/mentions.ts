/** A part of parsed Markdown: text, or something with parts of its own. */
export interface MarkdownNode {
  type: string;
  value?: string;
  children?: MarkdownNode[];
}

const MENTION = /\{\{\s*([a-z][a-z0-9_]*)\s*\}\}/g;

/** The fields that a text mentions as `{{field}}`. */
export function mentionedIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(MENTION), ([, name = ""]) => name))];
}

/** Puts values in place of mentions, in texts that are parsed already. */
export function withValues(node: MarkdownNode, values: ReadonlyMap<string, unknown>): void {
  if (node.value !== undefined && node.type !== "html") {
    node.value = node.value.replace(MENTION, (_, name: string) => shown(values.get(name)));
  }
  for (const child of node.children ?? []) {
    withValues(child, values);
  }
}

function shown(value: unknown): string {
  if (value === undefined || value === null || value === "") {
    return "…";
  }
  if (Array.isArray(value)) {
    return value.map(shown).join(", ");
  }
  return typeof value === "object" && "name" in value ? String(value.name) : String(value);
}
