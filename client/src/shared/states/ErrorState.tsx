import { Box } from "@mantine/core";
import { ProblemAlert } from "./ProblemAlert";

interface ErrorStateProps {
  /** What failed: "The executions could not be loaded". */
  title: string;
  error: unknown;
  onRetry: () => void;
}

/** What stands in place of content that could not be loaded. */
export function ErrorState({ title, error, onRetry }: ErrorStateProps) {
  return (
    <Box maw="44rem">
      <ProblemAlert title={title} problem={error} onRetry={onRetry} />
    </Box>
  );
}
