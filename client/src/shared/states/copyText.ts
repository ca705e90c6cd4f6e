import { strings } from "@/strings/shared";
import { notifyFailure, notifySuccess } from "./notify";

/** Copies a text and says so, or that the browser refused: without a secure connection or its permission. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    notifyFailure(strings.copyFailed);
    return;
  }
  notifySuccess(strings.copied);
}
