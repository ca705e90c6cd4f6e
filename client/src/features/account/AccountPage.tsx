import { Badge, Button, Group, Paper, Radio, Stack, Switch, Text, Title } from "@mantine/core";
import { IconLogout } from "@tabler/icons-react";
import { useMe } from "@/shared/me/me";
import { useSignOut } from "@/shared/me/signOut";
import { Page } from "@/shared/page/Page";
import { usePreferences, useSetPreferences } from "@/shared/preferences/preferences";
import { Copyable } from "@/shared/states/Copyable";
import { notifyProblem } from "@/shared/states/notify";
import { themeChoices } from "@/shared/theme/choices";
import { useTheme } from "@/shared/theme/useTheme";
import { strings } from "@/strings/account";
import classes from "./Account.module.css";
import { Rights } from "./Rights";

/** Who is signed in, what they may do where, and what they chose for themselves. */
export default function AccountPage() {
  return (
    <Page title={strings.title} actions={<SignOut />}>
      <div className={classes.columns}>
        <Who />
        <Stack gap="md">
          <Looks />
          <Keyboard />
        </Stack>
      </div>
      <Rights />
    </Page>
  );
}

function SignOut() {
  const { mutate, isPending } = useSignOut();
  return (
    <Button
      variant="default"
      leftSection={<IconLogout size={16} aria-hidden />}
      loading={isPending}
      onClick={() => mutate(undefined, { onError: (error) => notifyProblem(strings.signOutFailed, error) })}
    >
      {strings.signOut}
    </Button>
  );
}

function Who() {
  const { user, is_administrator } = useMe();
  return (
    <Paper component="section" withBorder p="md">
      <Stack gap="sm">
        <Title order={2}>{strings.who}</Title>
        <Group gap="xs">
          <Text fw={600} size="lg">
            {user.display_name}
          </Text>
          {is_administrator && (
            <Badge variant="light" tt="none">
              {strings.administrator}
            </Badge>
          )}
        </Group>
        <dl className={classes.facts}>
          <dt>{strings.email}</dt>
          <dd>{user.email}</dd>
          <dt>{strings.id}</dt>
          <dd>
            <Copyable value={user.id} what="user" />
          </dd>
        </dl>
      </Stack>
    </Paper>
  );
}

function Looks() {
  const [theme, setTheme] = useTheme();
  return (
    <Paper component="section" withBorder p="md">
      <Stack gap="sm">
        <Title order={2}>{strings.looks}</Title>
        <Radio.Group label={strings.theme} value={theme} onChange={setTheme}>
          <Group mt={6}>
            {themeChoices.map(({ value, label }) => (
              <Radio key={value} value={value} label={label} />
            ))}
          </Group>
        </Radio.Group>
      </Stack>
    </Paper>
  );
}

function Keyboard() {
  const { shortcuts } = usePreferences();
  const setPreferences = useSetPreferences();
  return (
    <Paper component="section" withBorder p="md">
      <Stack gap="sm">
        <Title order={2}>{strings.keyboard}</Title>
        <Switch
          label={strings.shortcuts}
          description={strings.shortcutsHint}
          checked={shortcuts}
          onChange={(event) => {
            const on = event.currentTarget.checked;
            setPreferences(() => ({ shortcuts: on }));
          }}
        />
      </Stack>
    </Paper>
  );
}
