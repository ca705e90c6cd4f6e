import { Box } from "@mantine/core";
import { RowsSkeleton } from "@/shared/states/Skeletons";

/** The rows of a panel that are on their way. */
export function PanelSkeleton() {
  return (
    <Box p="md">
      <RowsSkeleton rows={4} />
    </Box>
  );
}
