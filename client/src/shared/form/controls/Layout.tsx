import { Divider, Text, Title } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { Field } from "../schema";

const MarkdownText = lazy(() => import("./MarkdownText"));

/** What arranges a form and sends nothing. */
export function LayoutElement({ field }: { field: Field }) {
  switch (field.type) {
    case "section":
      return (
        <div>
          <Title order={2} mt="sm">
            {field.label}
          </Title>
          {field.description && (
            <Text size="sm" c="dimmed">
              {field.description}
            </Text>
          )}
        </div>
      );
    case "heading":
      return <Title order={3}>{field.label}</Title>;
    case "markdown":
      return (
        <Suspense>
          <MarkdownText text={field.description ?? ""} />
        </Suspense>
      );
    default:
      return <Divider />;
  }
}
