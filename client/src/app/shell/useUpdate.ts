import { useQuery } from "@tanstack/react-query";

const LOOK_EVERY_MS = 5 * 60_000;

/** Whether the server has a newer client than the one that runs here. Looks now and then, and when the tab is looked at. */
export function useUpdate(): boolean {
  const { data } = useQuery({
    queryKey: ["served-client"],
    queryFn: ({ signal }) => isOutdated(signal),
    refetchInterval: LOOK_EVERY_MS,
    staleTime: 60_000,
  });
  return data === true;
}

/** The names of a build's files contain their content, so a start page that names another script is another build. */
async function isOutdated(signal: AbortSignal): Promise<boolean> {
  const mine = document.querySelector<HTMLScriptElement>("script[type='module'][src]")?.getAttribute("src");
  const response = await fetch("/", { headers: { Accept: "text/html" }, cache: "no-store", signal });
  if (!mine || !response.ok) {
    return false;
  }
  const served = await response.text();
  // Only pages of this client count: a sign-in of a proxy in between is no new version.
  return served.includes('id="root"') && !served.includes(mine);
}
