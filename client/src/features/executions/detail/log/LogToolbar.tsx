import { ActionIcon, Button, CloseButton, Group, Menu, Select, Switch, Text, TextInput } from "@mantine/core";
import {
  IconAdjustmentsHorizontal,
  IconArrowDown,
  IconArrowUp,
  IconCopy,
  IconDownload,
  IconSearch,
  IconX,
} from "@tabler/icons-react";
import type { KeyboardEvent } from "react";
import type { LogLevel } from "@/shared/live/liveEvents";
import { logStrings as strings } from "@/strings/execution";
import classes from "./Log.module.css";

interface LogToolbarProps {
  level: LogLevel;
  onLevel: (level: LogLevel) => void;
  search: string;
  onSearch: (search: string) => void;
  /** Which match is looked at, from 1, of how many. */
  matchAt: number;
  matches: number;
  onMove: (by: 1 | -1) => void;
  /** Following makes sense: more may come. */
  canFollow: boolean;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  showTimes: boolean;
  onShowTimes: (show: boolean) => void;
  wrap: boolean;
  onWrap: (wrap: boolean) => void;
  onCopy: () => void;
  onDownload: () => void;
  /** The step whose lines alone are shown. */
  stepName: string | null;
  onClearStep: () => void;
}

const LEVELS = Object.entries(strings.levels).map(([value, label]) => ({ value, label }));

/** What can be done with a log: narrow it, search it, follow it, take it along. */
export function LogToolbar(props: LogToolbarProps) {
  const { level, onLevel, canFollow, isFollowing, onFollow, stepName, onClearStep } = props;
  return (
    <Group gap="xs" className={classes.toolbar}>
      <Select
        aria-label={strings.level}
        data={LEVELS}
        value={level}
        onChange={(value) => onLevel(isLevel(value) ? value : "debug")}
        allowDeselect={false}
        size="xs"
        w={168}
      />
      <Search {...props} />
      {stepName !== null && (
        <Button
          size="xs"
          variant="light"
          rightSection={<IconX size={14} aria-hidden />}
          aria-label={strings.clearStep(stepName)}
          onClick={onClearStep}
          className={classes.step}
        >
          {strings.onlyStep(stepName)}
        </Button>
      )}
      <Group gap="xs" ml="auto" wrap="nowrap">
        {canFollow && (
          <Switch
            size="sm"
            label={strings.follow}
            checked={isFollowing}
            onChange={(event) => onFollow(event.currentTarget.checked)}
          />
        )}
        <Options {...props} />
      </Group>
    </Group>
  );
}

function isLevel(value: string | null): value is LogLevel {
  return value !== null && value in strings.levels;
}

function Search({ search, onSearch, matchAt, matches, onMove }: LogToolbarProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      onMove(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && search !== "") {
      event.stopPropagation();
      onSearch("");
    }
  };
  return (
    <Group gap={4} wrap="nowrap" className={classes.search}>
      <TextInput
        type="search"
        aria-label={strings.search}
        placeholder={strings.search}
        size="xs"
        value={search}
        onChange={(event) => onSearch(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={
          search !== "" && <CloseButton size="xs" aria-label={strings.clearSearch} onClick={() => onSearch("")} />
        }
        flex={1}
      />
      {search !== "" && (
        <>
          <Text size="xs" c="dimmed" role="status" className={classes.matches}>
            {strings.matches(matchAt, matches)}
          </Text>
          <ActionIcon
            variant="default"
            size={30}
            aria-label={strings.previous}
            disabled={matches === 0}
            onClick={() => onMove(-1)}
          >
            <IconArrowUp size={15} aria-hidden />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size={30}
            aria-label={strings.next}
            disabled={matches === 0}
            onClick={() => onMove(1)}
          >
            <IconArrowDown size={15} aria-hidden />
          </ActionIcon>
        </>
      )}
    </Group>
  );
}

function Options({ showTimes, onShowTimes, wrap, onWrap, onCopy, onDownload }: LogToolbarProps) {
  return (
    <Menu
      position="bottom-end"
      shadow="md"
      closeOnItemClick={false}
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconAdjustmentsHorizontal size={15} aria-hidden />}>
          {strings.options}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.CheckboxItem checked={showTimes} onChange={onShowTimes}>
          {strings.timestamps}
        </Menu.CheckboxItem>
        <Menu.CheckboxItem checked={wrap} onChange={onWrap}>
          {strings.wrap}
        </Menu.CheckboxItem>
        <Menu.Divider />
        <Menu.Item closeMenuOnClick leftSection={<IconCopy size={15} aria-hidden />} onClick={onCopy}>
          {strings.copyAll}
        </Menu.Item>
        <Menu.Item closeMenuOnClick leftSection={<IconDownload size={15} aria-hidden />} onClick={onDownload}>
          {strings.download}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
