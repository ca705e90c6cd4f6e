import { useEffect, useRef, useState } from "react";
import { strings } from "@/strings/form";
import { useFormContext } from "../context";
import { isEmpty, isSame } from "../rules/values";
import { type Field, type OptionItem, titleOf } from "../schema";
import type { Offered } from "../useFieldOptions";

/**
 * Keeps what is chosen in step with what is offered: a value that is no longer offered is taken away, and a lone option
 * is chosen when the form asks for it. Both are said.
 *
 * @returns what was taken away, until something else is chosen.
 */
export function useChosen(
  field: Field,
  offered: Offered,
  value: unknown,
  change: (value: unknown) => void,
): string | undefined {
  const { announce } = useFormContext();
  const { items, isComplete, waitsFor } = offered;
  const options = field.options;
  const isGenerated = options?.source === "option_generator";
  const isWaiting = waitsFor.length > 0;
  /** The answer whose lone option has been chosen: who takes it away again, means it. */
  const settled = useRef<OptionItem[]>(undefined);
  const [dropped, setDropped] = useState<string>();
  useEffect(() => {
    const isMany = field.type === "multi_select";
    const title = titleOf(field);
    const chosen: unknown[] = Array.isArray(value) ? value : isEmpty(value) ? [] : [value];
    if (isGenerated && (isComplete || isWaiting) && options.allow_custom !== true) {
      const kept = chosen.filter((one) => items.some((item) => isSame(item.value, one)));
      if (kept.length < chosen.length) {
        const gone = chosen.filter((one) => !kept.includes(one));
        change(isMany ? kept : null);
        setDropped(gone.join(", "));
        announce(strings.noLongerOffered(title, gone.join(", ")));
        return;
      }
    }
    const [only] = items;
    if (isComplete && only && items.length === 1 && options?.auto_select_single && settled.current !== items) {
      settled.current = items;
      if (chosen.length === 0 && !only.disabled) {
        change(isMany ? [only.value] : only.value);
        announce(strings.onlyOption(title, only.label));
      }
    }
  }, [field, options, isGenerated, isComplete, isWaiting, items, value, change, announce]);
  return isWaiting || !isEmpty(value) ? undefined : dropped;
}
