import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api, unwrap } from "@/shared/api/client";

/** Ends the session and forgets the drafts of this tab. The page it leads to forgets what the server answered. */
export function useSignOut() {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/auth/sign-out")),
    onSuccess: async () => {
      sessionStorage.clear();
      await navigate("/signed-out", { replace: true });
    },
  });
}
