/** A call that somebody wants to make, before anything of it ran or was sent. */
export interface CallAttempt {
  readonly service: string
  /** Whatever the connection was made with: who calls, or who would be called. */
  readonly peer: unknown
  readonly direction: 'incoming' | 'outgoing'
}

/** True, or false with or without a reason; the reason reaches the caller. */
export type Verdict = boolean | { readonly allowed: boolean; readonly reason?: string }

/** Says whether a call may be made. Synchronous, called once a call; must not throw. */
export type Authorize = (call: CallAttempt) => Verdict

/** The reason of a denial, `''` where it has none, `undefined` where the call is allowed. */
export function denialOf(authorize: Authorize | undefined, call: CallAttempt): string | undefined {
  const verdict = authorize ? authorize(call) : true
  if (typeof verdict === 'boolean') return verdict ? undefined : ''
  return verdict.allowed ? undefined : (verdict.reason ?? '')
}
