import { notifications } from "@mantine/notifications";
import { Problem } from "@/shared/api/problem";
import { strings } from "@/strings/shared";

/** Success goes away by itself. */
const SUCCESS_MS = 5_000;

/** Says that something worked. Never the only place a result appears. */
export function notifySuccess(title: string, message = ""): void {
  notifications.show({ title, message, color: "green", autoClose: SUCCESS_MS, ...close });
}

/** Says something worth knowing that is neither success nor failure. */
export function notifyInfo(message: string): void {
  notifications.show({ message, color: "indigo", autoClose: SUCCESS_MS, ...close });
}

/** Says that something failed, in the server's words, until the person has closed it. */
export function notifyProblem(title: string, error: unknown): void {
  const message = error instanceof Problem ? error.message : strings.unreachable;
  notifications.show({ title, message, color: "red", autoClose: false, ...close });
}

/** Says that something failed on this side, where no server was asked. */
export function notifyFailure(title: string): void {
  notifications.show({ title, message: "", color: "red", autoClose: false, ...close });
}

const close = { closeButtonProps: { "aria-label": strings.closeNotification } };
