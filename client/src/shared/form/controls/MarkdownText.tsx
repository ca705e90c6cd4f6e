import { Anchor, Typography } from "@mantine/core";
import { useWatch } from "react-hook-form";
import Markdown, { type Components } from "react-markdown";
import { useFormContext } from "../context";
import { type MarkdownNode, mentionedIn, withValues } from "./mentions";

/**
 * Formatted text of a form. Raw HTML is not shown, links leave in a tab of their own, and `{{field}}` is replaced after
 * the text has been parsed: what a person enters is never read as Markdown.
 */
export default function MarkdownText({ text }: { text: string }) {
  const { control, visibleNames } = useFormContext();
  const names = mentionedIn(text);
  const entered = useWatch({ control, name: names });
  const values = new Map(names.map((name, at) => [name, visibleNames.has(name) ? entered[at] : undefined]));
  const insert = () => (tree: MarkdownNode) => withValues(tree, values);
  return (
    <Typography fz="sm">
      <Markdown skipHtml remarkPlugins={[insert]} components={components} disallowedElements={["img"]}>
        {text}
      </Markdown>
    </Typography>
  );
}

const components: Components = {
  // The page has its one `h1`, and sections are `h2`.
  h1: ({ children }) => <h3>{children}</h3>,
  h2: ({ children }) => <h3>{children}</h3>,
  a: ({ children, href }) => (
    <Anchor href={href} target="_blank" rel="noreferrer">
      {children}
    </Anchor>
  ),
};
