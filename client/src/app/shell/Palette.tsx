import { Spotlight } from "@mantine/spotlight";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { strings } from "@/strings/shell";
import classes from "./Palette.module.css";
import { paletteStore } from "./paletteStore";
import { usePaletteGroups } from "./usePaletteGroups";

/** Ctrl K: everything there is to go to and to do, by name. Works inside inputs too. */
export function Palette() {
  const [query, setQuery] = useState("");
  const [opened, setOpened] = useState(false);
  return (
    <Spotlight.Root
      store={paletteStore}
      query={query}
      onQueryChange={setQuery}
      shortcut="mod + K"
      // By default the key does nothing while a control has the focus, such as a filter.
      tagsToIgnore={[]}
      triggerOnContentEditable
      onSpotlightOpen={() => setOpened(true)}
      onSpotlightClose={() => setOpened(false)}
      attributes={{ content: { "aria-label": strings.search } }}
      overlayProps={{ backgroundOpacity: 0.45, blur: 0 }}
      transitionProps={{ duration: 0 }}
    >
      <Spotlight.Search
        placeholder={strings.searchHint}
        aria-label={strings.search}
        leftSection={<IconSearch size={18} aria-hidden />}
      />
      <Spotlight.ActionsList>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrollable by keyboard */}
        {/* biome-ignore lint/a11y/useSemanticElements: no fieldset */}
        <div className={classes.results} role="group" aria-label={strings.results} tabIndex={0}>
          {opened && <Results query={query} />}
        </div>
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function Results({ query }: { query: string }) {
  const groups = usePaletteGroups(query);
  if (groups.length === 0) {
    return <Spotlight.Empty>{strings.nothingFound}</Spotlight.Empty>;
  }
  return groups.map(({ label, entries }) => (
    <Spotlight.ActionsGroup key={label} label={label}>
      {entries.map(({ id, label: text, description, icon: Glyph, run }) => (
        <Spotlight.Action
          key={id}
          label={text}
          description={description}
          leftSection={<Glyph size={18} stroke={1.7} aria-hidden />}
          onClick={run}
        />
      ))}
    </Spotlight.ActionsGroup>
  ));
}
