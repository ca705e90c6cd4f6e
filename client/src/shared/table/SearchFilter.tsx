import { CloseButton, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { strings } from "@/strings/table";

/** Milliseconds of rest after which what was typed is searched for: longer than between two keys of a fast typist. */
const restMs = 300;

interface SearchFilterProps {
  label: string;
  value: string;
  onChange: (value: string | null) => void;
}

/** A search field that asks once typing rests, or at once with Enter. */
export function SearchFilter({ label, value, onChange }: SearchFilterProps) {
  const [text, setText] = useState(value);
  const asked = useRef(value);
  const search = useDebouncedCallback((typed: string) => {
    asked.current = typed.trim();
    onChange(asked.current || null);
  }, restMs);
  // Back, a link or "Clear filters" change the URL from outside; what was asked here may lag behind what is typed.
  useEffect(() => {
    if (value !== asked.current) {
      asked.current = value;
      setText(value);
    }
  }, [value]);

  const change = (typed: string) => {
    setText(typed);
    search(typed);
  };
  return (
    <TextInput
      size="xs"
      w={{ base: "100%", xs: 240 }}
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Enter" && search.flush()}
      rightSection={text ? <CloseButton size="xs" aria-label={strings.clearSearch} onClick={() => change("")} /> : null}
    />
  );
}
