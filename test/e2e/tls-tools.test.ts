// Programs that others wrote look at a gateway with TLS from files.
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { type Context, Node } from '@flatend/node'
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest'
import { drivers, startGateway, temporaryFolder } from '../support/gateway.ts'
import { opensslHere, selfSigned } from '../support/openssl.ts'
import { FLATEND, run, start, stopProcessesAfterwards } from '../support/processes.ts'
import { programHere, programPath } from '../support/programs.ts'
import { skipUnless } from '../support/skip.ts'

stopProcessesAfterwards()

type DriverName = (typeof drivers)[number]

interface Served {
  readonly url: string
  readonly port: number
  readonly ca: string
  readonly folder: string
}

/** Waits for the whole request: an answer before what is wrong with it has come would be as right. */
async function hello(ctx: Context): Promise<string> {
  await ctx.body()
  return 'hello'
}

async function serve(ctx: TestContext, driver: DriverName, keys = ''): Promise<Served> {
  skipUnless(ctx, opensslHere)
  const folder = temporaryFolder()
  const { certificate, key } = selfSigned(folder, 'a.test')
  const gateway = await startGateway({
    driver,
    listener: `https = true\n${keys}\ntls = { certificate = "${certificate}", key = "${key}" }`,
    config: '[[http.routes]]\npath = "GET /"\nmethods = ["POST"]\nservice = "hello"\n',
  })
  onTestFinished(async () => {
    await gateway.process.stop('SIGKILL')
  })
  const node = await Node.start({ addrs: [gateway.mesh], services: { hello } })
  onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
  const url = gateway.url.replace('http:', 'https:')
  return { url: `${url}/`, port: Number(new URL(url).port), ca: certificate, folder }
}

/** Runs a program of Debian to its end; skips the test where it is not there. */
async function tool(
  ctx: TestContext,
  name: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly out: string }> {
  skipUnless(ctx, programHere(name, `what ${name} says of a gateway`))
  const { code, stdout, stderr } = await run(args, { program: programPath(name) ?? name })
  return { code, out: stdout + stderr }
}

describe.each(drivers)('TLS, driver %s', (driver) => {
  test('sslscan finds nothing weak', async (ctx) => {
    const { port } = await serve(ctx, driver)
    const { out } = await tool(ctx, 'sslscan', ['--no-colour', `127.0.0.1:${port}`])
    for (const old of ['SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1']) {
      expect(out).toMatch(new RegExp(`^${old.replace('.', '\\.')}\\s+disabled$`, 'm'))
    }
    for (const good of ['TLSv1.2', 'TLSv1.3']) {
      expect(out).toMatch(new RegExp(`^${good.replace('.', '\\.')}\\s+enabled$`, 'm'))
    }
    const ciphers = [...out.matchAll(/^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)/gm)]
    expect(ciphers.length).toBeGreaterThan(4)
    for (const [line] of ciphers) expect(line).toMatch(/GCM|POLY1305/)
    const old = ciphers.filter(([, version]) => version === 'TLSv1.2')
    for (const [, , name] of old) expect(name).toMatch(/^ECDHE-/)
    expect(out).not.toContain('Compression enabled')
    expect(out).not.toMatch(/(?<!not )vulnerable to heartbleed/)
  })

  test('curl is answered over TLS 1.2 and 1.3, and not over less', async (ctx) => {
    const { url, ca } = await serve(ctx, driver)
    const curl = (...args: readonly string[]): ReturnType<typeof tool> =>
      tool(ctx, 'curl', ['-sS', '--cacert', ca, ...args, url])
    expect(await curl('--tls-max', '1.2')).toEqual({ code: 0, out: 'hello' })
    expect(await curl('--tlsv1.3')).toEqual({ code: 0, out: 'hello' })
    expect((await curl('--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0')).code).toBe(35)
    const version = await curl('--http2', '-o', '/dev/null', '-w', '%{http_version}')
    expect(version.out).toBe(driver === 'node' ? '2' : '1.1')
  })

  test('a thousand slow clients keep nobody else waiting', { timeout: 60_000 }, async (ctx) => {
    const { url, port, ca, folder } = await serve(ctx, driver)
    skipUnless(ctx, programHere('slowhttptest', 'a thousand slow clients'))
    const slow = start(
      ['-c', '1000', '-H', '-r', '500', '-i', '2', '-x', '24', '-p', '3', '-l', '8', '-u', url],
      { program: programPath('slowhttptest') ?? '', cwd: folder },
    )
    const answer = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const options = { port, host: '127.0.0.1', ca: readFileSync(ca), agent: false as const }
        const sent = request(options, (response) => {
          let text = ''
          response.on('data', (chunk) => (text += String(chunk)))
          response.on('end', () => resolve(text))
        })
        sent.on('error', reject)
        sent.end()
      })
    let answers = 0
    while (slow.alive) {
      expect(await answer()).toBe('hello')
      answers++
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(answers).toBeGreaterThan(20)
    const plain = stripVTControlCharacters(slow.stdout)
    expect(plain).toMatch(/connected:\s+[1-9]\d\d/)
    expect(
      [...plain.matchAll(/service available:\s+(\w+)/g)].map(([, said]) => said),
    ).not.toContain('NO')
  })
})

/** Of nghttp2, which Node's own server fails alike: packages/gateway/DRIVERS.md. */
const KNOWN = [
  'closed: Sends a DATA frame',
  'closed: Sends a HEADERS frame',
  'Sends stream identifier that is numerically smaller',
  'Sends a DATA frame on the stream that is not in "open"',
  'Sends a PING frame with ACK',
  'Sends multiple WINDOW_UPDATE frames increasing',
]

describe('HTTP/2', () => {
  test('nghttp and h2load are answered', async (ctx) => {
    const { url } = await serve(ctx, 'node', 'http2 = true')
    const one = await tool(ctx, 'nghttp', ['-nv', '-y', url])
    expect(one.out).toMatch(/:status: 200/)
    const load = await tool(ctx, 'h2load', ['-n', '1000', '-c', '10', '-m', '20', url])
    expect(load.out).toContain('1000 succeeded, 0 failed, 0 errored')
  })

  test('is not spoken where it is switched off', async (ctx) => {
    const { url, ca } = await serve(ctx, 'node', 'http2 = false')
    const args = ['-sS', '--http2', '-o', '/dev/null', '-w', '%{http_version}', '--cacert', ca, url]
    expect((await tool(ctx, 'curl', args)).out).toBe('1.1')
  })

  test('h2spec finds no more than what is known', { timeout: 120_000 }, async (ctx) => {
    const from = 'go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible'
    skipUnless(ctx, programHere('h2spec', 'HTTP/2 by h2spec', from))
    const { port } = await serve(ctx, 'node', 'http2 = true')
    const args = ['-t', '-k', '-h', '127.0.0.1', '-p', String(port), '-o', '3']
    const { stdout } = await run(args, { program: 'h2spec' })
    expect(stdout).toMatch(/1\d\d tests, 1[34]\d passed/)
    const failures = stdout.slice(stdout.indexOf('Failures'))
    const found = [...failures.matchAll(/× \d+: (.*)/g)].map(([, title]) => title)
    expect(found.filter((title) => !KNOWN.some((known) => title?.startsWith(known)))).toEqual([])
  })
})

test('a pair of files that do not fit is an error at start that names the file', async (ctx) => {
  skipUnless(ctx, opensslHere)
  const folder = temporaryFolder()
  const [one, other] = [selfSigned(folder, 'a.test'), selfSigned(folder, 'b.test')]
  const config = join(folder, 'config.toml')
  writeFileSync(
    config,
    `addr = "127.0.0.1:0"\n[[http]]\nhttps = true\naddr = "127.0.0.1:0"\ntls = { certificate = "${one.certificate}", key = "${other.key}" }\n`,
  )
  const { code, stderr } = await run([FLATEND, 'gateway', '-c', config])
  expect(code).not.toBe(0)
  expect(stderr).toContain(`config.toml:5:`)
  expect(stderr).toContain(`"${other.key}" cannot be used: it is the key of another certificate`)
})
