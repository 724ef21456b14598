import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { FLATEND, start, stopProcessesAfterwards } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

const UNSHARE = 'unshare'
const ISOLATED = [
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--kill-child',
  '--fork',
]
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
const script = (name: string): string =>
  fileURLToPath(new URL(`../support/nodes/${name}`, import.meta.url))

/** Whether namespaces can be made here, with links and address translation in them. */
function obstacle(): string | undefined {
  const tries = 'mount -t tmpfs none /run && ip netns add a && ip netns exec a nft add table ip nat'
  try {
    execFileSync(UNSHARE, [...ISOLATED, 'sh', '-ec', tries], {
      env: { ...process.env, PATH },
      stdio: 'pipe',
    })
    return undefined
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: Buffer }
    return stderr?.toString() || message
  }
}

test('a node behind NAT learns that it cannot be dialed, and where it can once its port is forwarded', async (ctx) => {
  const reason = obstacle()
  skipUnless(ctx, {
    met: reason === undefined,
    what: 'dial-back through NAT',
    reason: `no network namespaces here (${reason?.trim()})`,
  })
  const home = start(
    [
      ...ISOLATED,
      'sh',
      script('nat.sh'),
      process.execPath,
      FLATEND,
      script('public.mjs'),
      script('behind-nat.mjs'),
    ],
    { program: UNSHARE, env: { PATH } },
  )
  const line = async (when: string): Promise<Record<string, unknown>> =>
    JSON.parse(await home.line(new RegExp(`^{"when":"${when}"`))) as Record<string, unknown>

  expect(await line('closed')).toEqual({ when: 'closed', state: 'private' })
  const { ok, findings } = (await line('doctor')) as {
    ok: boolean
    findings: readonly { readonly check: string; readonly message: string }[]
  }
  expect(ok).toBe(true)
  expect(findings.find(({ check }) => check === 'address')?.message).toMatch(
    /at 203\.0\.113\.1, which is not its own: there is NAT/,
  )
  // Known from outside only: it takes connections on all interfaces, and so advertised nothing.
  expect(await line('forwarded')).toEqual({
    when: 'forwarded',
    state: 'public',
    reachable: '203.0.113.1:9000',
    advertised: '203.0.113.1:9000',
  })
  expect(await home.exited).toMatchObject({ code: 0 })
})
