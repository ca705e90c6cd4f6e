import { Box } from "@mantine/core";
import { IconLock, IconMapOff } from "@tabler/icons-react";
import { Problem } from "@/shared/api/problem";
import { strings } from "@/strings/shared";
import { Empty } from "./Empty";
import { ProblemAlert } from "./ProblemAlert";

interface ErrorStateProps {
  /** What failed: "The executions could not be loaded". */
  title: string;
  error: unknown;
  onRetry: () => void;
}

/**
 * What stands in place of content that could not be loaded. What is not there, or not for this person, is no failure:
 * trying again would change nothing, so these say what it may be and who can help.
 */
export function ErrorState({ title, error, onRetry }: ErrorStateProps) {
  if (error instanceof Problem && error.status === 404) {
    return (
      <Empty icon={IconMapOff} title={strings.notFound}>
        {strings.notFoundHint}
      </Empty>
    );
  }
  if (error instanceof Problem && error.status === 403) {
    return (
      <Empty icon={IconLock} title={error.body.title}>
        {error.body.detail} {strings.askAdministrator}
      </Empty>
    );
  }
  return (
    <Box maw="44rem">
      <ProblemAlert title={title} problem={error} onRetry={onRetry} />
    </Box>
  );
}
