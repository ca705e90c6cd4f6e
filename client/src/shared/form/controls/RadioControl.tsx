import { Loader, Radio, Stack } from "@mantine/core";
import { strings } from "@/strings/form";
import { isSame } from "../rules/values";
import { type ControlProps, useEntry } from "../useEntry";
import { useFieldOptions } from "../useFieldOptions";
import { OptionsNotice } from "./OptionsNotice";
import { useChosen } from "./useChosen";

/** One of a few offered values, all visible. */
export function RadioControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  const offered = useFieldOptions(props.field, "");
  const dropped = useChosen(props.field, offered, value, change);
  const chosen = offered.items.findIndex((item) => isSame(item.value, value));
  const isWaiting = offered.waitsFor.length > 0;
  return (
    <div>
      <Radio.Group
        {...around}
        {...aria}
        description={isWaiting ? strings.chooseFirst(offered.waitsFor.join(strings.and)) : around.description}
        value={String(chosen)}
        onChange={(at) => change(offered.items[Number(at)]?.value ?? null)}
        onBlur={blur}
      >
        <Stack gap={6} mt={6}>
          {offered.items.map((item, at) => (
            <Radio
              key={JSON.stringify(item.value)}
              value={String(at)}
              label={item.label}
              description={item.description}
              disabled={item.disabled}
            />
          ))}
          {offered.isLoading && <Loader size="xs" aria-label={strings.loadingOptions(around.label)} />}
        </Stack>
      </Radio.Group>
      <OptionsNotice field={props.field} offered={offered} dropped={dropped} />
    </div>
  );
}
