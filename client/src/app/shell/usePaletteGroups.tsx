import {
  IconArrowRight,
  IconBuilding,
  IconHistory,
  IconKeyboard,
  IconLogout,
  IconPlayerPause,
  IconPlayerPlay,
  IconUser,
} from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation, useNavigate } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { executionPath, executionsQuery } from "@/shared/executions/executions";
import { useMe } from "@/shared/me/me";
import { type Org, orgPath } from "@/shared/org/org";
import { themeChoices } from "@/shared/theme/choices";
import { useTheme } from "@/shared/theme/useTheme";
import { formatInstant } from "@/shared/time/format";
import { metadataQuery } from "@/shared/workflows/metadataQuery";
import { isOffered, runPath } from "@/shared/workflows/paths";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";
import { pagesFor } from "./navigation";
import { useOverlays } from "./overlays";
import { type PaletteEntry, type PaletteGroup, runIdIn, searched } from "./paletteGroups";
import { switchOrg } from "./switchOrg";
import { useAskedSignOut } from "./useAskedSignOut";
import { useShellOrg } from "./useShellOrg";

/** What the palette offers for what was typed, as far as the caller's rights go. */
export function usePaletteGroups(query: string): PaletteGroup[] {
  const org = useShellOrg();
  const pasted = runIdIn(query);
  const openRun = useOpenRun(org);
  const groups = [usePages(org), useRunnable(org), useOrganizations(org), useRecentRuns(org), useActions()];
  if (pasted) {
    const entry = { id: pasted, label: strings.openRun(pasted), icon: IconArrowRight, run: () => void openRun(pasted) };
    return [{ label: strings.runs, entries: [entry], limit: 1 }];
  }
  return searched(groups, query);
}

function usePages(org: Org): PaletteGroup {
  const navigate = useNavigate();
  const pages = pagesFor(org.permissions).map(({ path, label, icon }) => ({
    id: `page ${path}`,
    label,
    icon,
    run: () => void navigate(orgPath(org.id, path)),
  }));
  const account = { id: "page account", label: strings.account, icon: IconUser, run: () => void navigate("/account") };
  return { label: strings.pages, entries: [...pages, account], limit: 6 };
}

function useRunnable(org: Org): PaletteGroup {
  const navigate = useNavigate();
  const { data } = useQuery({ ...metadataQuery(org.id), enabled: org.permissions.execute_workflows });
  const runnable = org.permissions.execute_workflows ? (data?.workflows ?? []) : [];
  const entries = runnable
    .filter((workflow) => isOffered(org, workflow))
    .map(
      ({ name, description }): PaletteEntry => ({
        id: `run ${name}`,
        label: org.isAll ? strings.run(name) : strings.runFor(name, org.name),
        description,
        icon: IconPlayerPlay,
        run: () => void navigate(runPath(org.id, name)),
      }),
    );
  return { label: strings.workflows, entries, limit: 6 };
}

function useOrganizations(org: Org): PaletteGroup {
  const { organizations } = useMe();
  const navigate = useNavigate();
  const location = useLocation();
  const entries = organizations
    .filter(({ id }) => id !== org.id)
    .map(({ id, name }) => ({
      id: `organization ${id}`,
      label: name,
      description: strings.switchTo,
      icon: IconBuilding,
      run: () => {
        const { to, notice } = switchOrg(location, id);
        void navigate(to, { state: { notice } });
      },
    }));
  return { label: strings.organizations, entries, limit: 6 };
}

function useRecentRuns(org: Org): PaletteGroup {
  const navigate = useNavigate();
  const { data } = useQuery({
    ...executionsQuery(org.id, { limit: 20 }),
    enabled: org.permissions.execute_workflows || org.permissions.view_history,
  });
  const now = new Date();
  const entries = (data?.items ?? []).map((execution) => ({
    id: `execution ${execution.id}`,
    label: `${execution.workflow_name}, ${common.statuses[execution.status].toLowerCase()}`,
    description: `${formatInstant(new Date(execution.started_at), now)}, ${execution.executed_by_name}`,
    icon: IconHistory,
    run: () => void navigate(executionPath(execution)),
  }));
  return { label: strings.runs, entries, limit: 5 };
}

function useActions(): PaletteGroup {
  const { is_administrator } = useMe();
  const { show } = useOverlays();
  const [, setTheme] = useTheme();
  const signOut = useAskedSignOut();
  const entries: PaletteEntry[] = [
    ...themeChoices.map(({ value, label, icon }) => ({
      id: `theme ${value}`,
      label: `${strings.theme}: ${label.toLowerCase()}`,
      icon,
      run: () => setTheme(value),
    })),
    { id: "shortcuts", label: strings.shortcuts, icon: IconKeyboard, run: () => show("help") },
    ...(is_administrator
      ? [{ id: "pause", label: strings.emergencyStop, icon: IconPlayerPause, run: () => show("pause") }]
      : []),
    { id: "sign out", label: strings.signOut, icon: IconLogout, run: signOut },
  ];
  return { label: strings.actions, entries, limit: 6 };
}

/** Opens a run by its id alone, in the organization it belongs to. Where it is unknown, its page says so. */
function useOpenRun(org: Org): (id: string) => Promise<void> {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  return async (id) => {
    const found = await queryClient
      .fetchQuery({
        queryKey: ["executions", id, "place"],
        queryFn: ({ signal }) => unwrap(api.GET("/api/executions/{id}", { params: { path: { id } }, signal })),
      })
      .catch(() => undefined);
    await navigate(found ? executionPath(found) : orgPath(org.id, `executions/${id}`));
  };
}
