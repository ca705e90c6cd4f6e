import { SegmentedControl, Stack } from "@mantine/core";
import { useMemo, useState } from "react";
import { strings } from "@/strings/tree";
import { flatTable } from "./flatTable";
import { JsonRaw } from "./JsonRaw";
import { JsonTable } from "./JsonTable";
import { JsonTree } from "./JsonTree";
import type { Json } from "./json";

type View = "tree" | "table" | "raw";

/** A JSON value as a tree, as text, and, if it is an array of flat objects, as a table. `label` names it: "Result". */
export function JsonViewer({ value, label }: { value: Json; label: string }) {
  const table = useMemo(() => flatTable(value), [value]);
  const [chosen, setChosen] = useState<View | null>(null);
  const view = chosen ?? (table ? "table" : "tree");
  const views: { value: View; label: string }[] = [
    { value: "tree", label: strings.tree },
    ...(table ? [{ value: "table" as const, label: strings.table }] : []),
    { value: "raw", label: strings.raw },
  ];
  return (
    <Stack gap="xs">
      <SegmentedControl<View>
        data={views}
        value={view}
        onChange={setChosen}
        size="xs"
        aria-label={strings.view}
        style={{ alignSelf: "flex-start" }}
      />
      {view === "tree" && <JsonTree value={value} label={label} />}
      {view === "table" && table && <JsonTable table={table} label={label} />}
      {view === "raw" && <JsonRaw value={value} label={label} />}
    </Stack>
  );
}
