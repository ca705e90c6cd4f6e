import { Skeleton, Stack } from "@mantine/core";
import { Delayed } from "./Delayed";

/** Rows that are on their way. */
export function RowsSkeleton({ rows = 8 }: { rows?: number }) {
  return (
    <Delayed>
      <Stack gap={8}>
        {Array.from({ length: rows }, (_, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
          <Skeleton key={row} height={34} radius="sm" />
        ))}
      </Stack>
    </Delayed>
  );
}

/** A page that is on its way: heading and content. */
export function PageSkeleton() {
  return (
    <Delayed>
      <Stack gap="md" p="lg">
        <Skeleton height={28} width="min(16rem, 60%)" />
        <Skeleton height={14} width="min(28rem, 80%)" />
        <Skeleton height={180} mt="sm" />
      </Stack>
    </Delayed>
  );
}
