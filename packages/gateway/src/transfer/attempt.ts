import type { RequestRecord } from './request-record.ts'

/** Runs what answers a request; where it fails, the answer is 500. Never throws. */
export function attempt(record: RequestRecord, answer: () => void): void {
  try {
    answer()
  } catch (error) {
    const { env, requestId } = record
    env.log.error({ err: error, requestId }, 'a request could not be handled')
    fallBack(record)
  }
}

function fallBack(record: RequestRecord): void {
  if (record.finished) return
  try {
    record.refuse({
      status: 500,
      code: 'FLATEND_GATEWAY_INTERNAL',
      detail: 'The gateway could not handle the request.',
    })
  } catch {
    // Head sent already, or the client is gone: nothing can be said any more.
    record.finish('internal error', true)
  }
}
