import { IconLock } from "@tabler/icons-react";
import type { Permissions } from "@/shared/me/me";
import { useOrg } from "@/shared/org/org";
import { strings } from "@/strings/shared";
import { Empty } from "./Empty";

/** In place of a page the caller has no right to: names the right, and who can grant it. */
export function Denied({ right }: { right: keyof Permissions }) {
  const org = useOrg();
  return (
    <Empty icon={IconLock} title={strings.denied(strings.rights[right])}>
      {strings.deniedHint(org.name)}
    </Empty>
  );
}
