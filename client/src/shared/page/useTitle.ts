import { useEffect } from "react";
import { useParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { orgFrom } from "@/shared/org/org";
import { strings } from "@/strings/shared";

/** Names the browser tab: `Executions - Contoso - MSP Automation`. Call it with the progress of a run in front if there is any. */
export function useTitle(title: string): void {
  const me = useMe();
  const { org: id } = useParams();
  const orgName = id === undefined ? undefined : orgFrom(me, id)?.name;
  useEffect(() => {
    document.title = [title, orgName, strings.product].filter(Boolean).join(" - ");
  }, [title, orgName]);
}
