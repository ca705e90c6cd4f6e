import { Button, Group, Text } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useCallback, useDeferredValue, useEffect, useState } from "react";
import { useLocation } from "react-router";
import type { Connection } from "@/shared/live/contact";
import { isFinal } from "@/shared/live/liveEvents";
import type { LogStore } from "@/shared/live/logStore";
import { lineText } from "@/shared/live/logView";
import { copyText } from "@/shared/states/copyText";
import { Empty } from "@/shared/states/Empty";
import { logStrings as strings } from "@/strings/execution";
import type { Address } from "../address";
import { type Execution, failedStep } from "../execution";
import { ConnectionNote } from "./ConnectionNote";
import classes from "./Log.module.css";
import { LogList } from "./LogList";
import { LogToolbar } from "./LogToolbar";
import { useLogView } from "./useLogView";

interface LogPanelProps {
  log: LogStore;
  execution: Execution;
  connection: Connection;
  /** The step whose lines alone are shown. */
  step: number | null;
  address: Address;
  onAddress: (change: Partial<Address>) => void;
  onDownload: () => void;
}

/** The log of a run: filter, search, follow, copy. */
export function LogPanel({ log, execution, connection, step, address, onAddress, onDownload }: LogPanelProps) {
  const isOver = isFinal(execution.status);
  const [wasLive] = useState(!isOver);
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search);
  const { view, count } = useLogView(log, {
    level: address.level,
    step,
    stepFailed: step !== null && failedStep(execution)?.seq === step,
    search: wanted,
  });
  const { rows, matches } = view;

  // What went wrong stands at the end, and so does what happens now.
  const [isFollowing, setFollowing] = useState(execution.status !== "Success" && address.line === null);
  const [target, setTarget] = useState(() => (address.line === null ? null : { seq: address.line }));
  const [match, setMatch] = useState(0);
  // A narrower level or another step leaves fewer matches.
  const matchAt = Math.min(match, Math.max(0, matches.length - 1));
  const goTo = (index: number) => {
    setMatch(index);
    const line = rows[matches[index] ?? -1];
    if (line) {
      setFollowing(false);
      setTarget({ seq: line.seq });
    }
  };
  // What is typed is found at once; lines that come later are found, and move nothing.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another search jumps
  useEffect(() => {
    if (wanted === "") {
      setMatch(0);
    } else {
      goTo(0);
    }
  }, [wanted]);

  const [showTimes, setShowTimes] = useLocalStorage({
    key: "msp.log.times",
    defaultValue: true,
    getInitialValueInEffect: false,
  });
  const [wrap, setWrap] = useLocalStorage({ key: "msp.log.wrap", defaultValue: true, getInitialValueInEffect: false });

  const { pathname, search: query } = useLocation();
  const lineHref = useCallback(
    (seq: number) => {
      const params = new URLSearchParams(query);
      params.set("line", String(seq));
      return `${pathname}?${params}`;
    },
    [pathname, query],
  );
  const onSelect = useCallback((line: number) => onAddress({ line }), [onAddress]);
  const stepName = step === null ? null : (execution.steps.find(({ seq }) => seq === step)?.name ?? String(step));

  return (
    <div className={classes.panel}>
      <LogToolbar
        level={address.level}
        onLevel={(level) => onAddress({ level })}
        search={search}
        onSearch={setSearch}
        matchAt={matchAt + 1}
        matches={matches.length}
        onMove={(by) => goTo((matchAt + by + matches.length) % Math.max(1, matches.length))}
        canFollow={!isOver}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        showTimes={showTimes}
        onShowTimes={setShowTimes}
        wrap={wrap}
        onWrap={setWrap}
        onCopy={() => void copyText(rows.map(lineText).join("\n"))}
        onDownload={onDownload}
        stepName={stepName}
        onClearStep={() => onAddress({ step: "all", line: null })}
      />
      {rows.length === 0 ? (
        <NoLines
          hasLines={count > 0}
          execution={execution}
          isRead={connection === "over"}
          onClear={() => onAddress({ step: "all", level: "debug", line: null })}
        />
      ) : (
        <LogList
          rows={rows}
          showTimes={showTimes}
          wrap={wrap}
          search={wanted}
          selected={address.line}
          target={target}
          canFollow={wasLive}
          isFollowing={isFollowing}
          onFollow={setFollowing}
          lineHref={lineHref}
          onSelect={onSelect}
        />
      )}
      <Group gap="md" justify="space-between">
        <Text size="xs" c="dimmed">
          {strings.count(rows.length, count)}
        </Text>
        <ConnectionNote connection={connection} />
      </Group>
    </div>
  );
}

interface NoLinesProps {
  hasLines: boolean;
  execution: Execution;
  isRead: boolean;
  onClear: () => void;
}

/** Why there is no line to see. */
function NoLines({ hasLines, execution, isRead, onClear }: NoLinesProps) {
  if (hasLines) {
    return (
      <Empty title={strings.noMatch}>
        {strings.noMatchHint}
        <Button mt="xs" size="xs" variant="default" display="block" mx="auto" onClick={onClear}>
          {strings.clearFilters}
        </Button>
      </Empty>
    );
  }
  if (isFinal(execution.status)) {
    return isRead && execution.logs_through === 0 ? (
      <Empty title={strings.nothing} />
    ) : (
      <Empty title={strings.loading} />
    );
  }
  return (
    <Empty title={strings.nothingYet}>
      {execution.status === "Pending" ? strings.nothingYetPending : strings.nothingYetRunning}
    </Empty>
  );
}
