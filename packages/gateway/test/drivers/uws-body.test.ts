import { expect, test } from 'vitest'
import { StallWatch } from '../../src/http2/stall.ts'
import { UwsBody } from '../../src/uws/body.ts'
import type { UwsResponse } from '../../src/uws/types.ts'

const READ = 524_288
const MOST = 16_777_216 + READ

/** What the library's response does to its caller where a pause does not hold. */
function deaf(): {
  readonly response: UwsResponse
  readonly receive: (last: boolean) => void
  readonly pauses: () => number
} {
  let pauses = 0
  let onData: ((chunk: ArrayBuffer, isLast: boolean) => void) | undefined
  const response = {
    pause: () => {
      pauses += 1
    },
    resume: () => {},
    onData: (handler: NonNullable<typeof onData>) => {
      onData = handler
    },
  } as unknown as UwsResponse
  return {
    response,
    receive: (last) => onData?.(new ArrayBuffer(READ), last),
    pauses: () => pauses,
  }
}

function attach(response: UwsResponse): {
  readonly body: UwsBody
  readonly overflows: () => number
} {
  let overflows = 0
  const body: UwsBody = new UwsBody(response, {
    length: undefined,
    stalls: new StallWatch(1_000),
    onStall: () => {},
    onArrival: () => {},
    onEnd: () => {},
    onPause: () => {},
    onOverflow: () => {
      overflows += 1
      body.fail(new Error('broken off'))
    },
  })
  return { body, overflows: () => overflows }
}

test('what arrives in spite of a pause is bounded', async () => {
  const { response, receive } = deaf()
  const { body, overflows } = attach(response)
  let received = 0
  for (; overflows() === 0 && received <= MOST; received += READ) receive(false)
  expect(overflows()).toBe(1)
  expect(received).toBeLessThanOrEqual(MOST)
  expect(body.paused).toBe(true)
  receive(false)
  await expect(body.read()).rejects.toThrow('broken off')
  expect(overflows()).toBe(1)
})

test('up to there nothing is lost', async () => {
  const { response, receive } = deaf()
  const { body, overflows } = attach(response)
  for (let received = READ; received < MOST; received += READ) receive(false)
  receive(true)
  expect(overflows()).toBe(0)
  let read = 0
  for (let chunk = await body.read(); chunk; chunk = await body.read()) read += chunk.length
  expect(read).toBe(MOST)
})

test('what arrives in spite of a pause pauses again: it started a timeout of 10 s', () => {
  const { response, receive, pauses } = deaf()
  const { body } = attach(response)
  const before = pauses()
  for (let i = 1; i <= 5; i++) {
    receive(false)
    expect(pauses()).toBe(before + i)
  }
  expect(body.paused).toBe(true)
})
