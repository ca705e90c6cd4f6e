import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api, unwrap } from "@/shared/api/client";

/** Ends the session, and forgets what this tab knew: answers of the server, and drafts. */
export function useSignOut() {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/auth/sign-out")),
    onSuccess: async () => {
      sessionStorage.clear();
      await navigate("/signed-out", { replace: true });
      queryClient.clear();
    },
  });
}
