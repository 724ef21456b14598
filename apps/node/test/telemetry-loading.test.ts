import { expect, test, vi } from 'vitest'
import { silentLogger } from '../src/logger.ts'
import { loadTelemetry } from '../src/tracing/telemetry.ts'

vi.mock('@opentelemetry/api', () => {
  throw new Error('half an installation')
})

test('an API that is there and does not load is told of, not taken for one that is missing', async () => {
  const warn = vi.fn<(fields: object, message: string) => void>()
  const log = { ...silentLogger, warn }
  expect(await loadTelemetry(true, log)).toBeUndefined()
  expect(warn).toHaveBeenCalledTimes(1)
  expect(warn.mock.calls[0]?.[1]).toBe(
    'no traces by OpenTelemetry: @opentelemetry/api does not load',
  )
})
