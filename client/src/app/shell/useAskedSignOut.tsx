import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useSignOut } from "@/shared/me/signOut";
import { notifyProblem } from "@/shared/states/notify";
import { hasUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { strings } from "@/strings/shell";

/** Signs out; asks first when unsaved input would be lost. */
export function useAskedSignOut(): () => void {
  const { mutate } = useSignOut();
  const signOut = () => mutate(undefined, { onError: (error) => notifyProblem(strings.signOutFailed, error) });
  return () => {
    if (!hasUnsavedInput()) {
      signOut();
      return;
    }
    modals.openConfirmModal({
      title: strings.signOutTitle,
      children: <Text>{strings.unsavedHint}</Text>,
      labels: { confirm: strings.signOut, cancel: strings.unsavedStay },
      confirmProps: { color: "red" },
      onConfirm: signOut,
    });
  };
}
