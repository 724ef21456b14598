import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Context, grpcService, type Handler, Node } from '@flatend/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { curl } from '../support/curl.ts'
import { drivers, gatewayForTest, temporaryFolder } from '../support/gateway.ts'
import { opensslHere, selfSigned } from '../support/openssl.ts'
import { eventually, freePort, stopProcessesAfterwards } from '../support/processes.ts'
import { type Requirement, skipUnless } from '../support/skip.ts'
import { Bombardment, dialPlain, dialTls } from './support/bombardment.ts'
import { httpSpeech } from './support/http-speech.ts'
import { http2Speech } from './support/http2-speech.ts'

stopProcessesAfterwards()

/** How many connections each listener gets; FLATEND_FUZZ multiplies it, FLATEND_FUZZ_SEED makes others. */
const ROUNDS = 3_000 * Number(process.env['FLATEND_FUZZ'] ?? 1)
const SEED = Number(process.env['FLATEND_FUZZ_SEED'] ?? 2_020)
/** Descriptors that come and go by themselves. */
const DESCRIPTORS = 8
/** Clients that left without a word are given up after half a minute: twice as long, in milliseconds. */
const GIVEN_UP = 60_000

/** Routes of every kind, for both listeners. */
const ROUTES = `
[http.timeout]
idle = "1s"
[http.cors]
origins = ["https://example.org"]
[http.compress]
min_size = 10
[[http.routes]]
path = "GET /hello"
service = "hello"
cache = "max-age=1"
headers = { set = ["x-a: b"], remove = ["x-as-etag"] }
[[http.routes]]
path = "POST /echo/*rest"
methods = ["PUT", "GET"]
service = "echo"
[[http.routes]]
path = "GET /mirror/:name"
methods = ["POST", "PUT", "DELETE", "PATCH"]
service = "mirror"
key = "params.name"
[[http.routes]]
path = "GET /slow/:count"
service = "slow"
nocache = true
timeout = "1s"
[[http.routes]]
path = "POST /fails/:when"
methods = ["GET"]
service = "fails"
timeout = "200ms"
[[http.routes]]
path = "GET /nobody"
service = "nobody"
timeout = "200ms"
[[http.routes]]
path = "GET /guarded/:name"
methods = ["POST"]
service = "mirror"
auth = "guard"
[[http.routes]]
path = "GET /seldom"
service = "hello"
rate_limit = { requests = 5, per = "1s" }
[[http.routes]]
path = "POST /small"
service = "echo"
body_size = 4
[[http.routes]]
path = "GET /old/:name/*rest"
redirect = "/*rest/:name"
[[http.routes]]
path = "GET /files/*file"
static = "FILES"
precompressed = true
fallback = "text.txt"
listing = true
[[http.routes]]
path = "POST /test.Echo/:method"
service = "grpc"
grpc = "web"
message_size = 100
timeout = "1s"
`

const SOCKET = `
[[http.routes]]
path = "GET /socket/:room"
service = "socket"
websocket = { max_message = 64, deflate = true }
`

/** Answers what the client asks for: `status`, and as headers what it calls `x-as-NAME`. */
function mirror(ctx: Context): string {
  const { status } = ctx.query
  if (status !== undefined) ctx.status(Number(status))
  for (let i = 0; i < ctx.rawHeaders.length; i += 2) {
    const [name = '', value = ''] = ctx.rawHeaders.slice(i, i + 2)
    if (name.startsWith('x-as-')) ctx.header(name.slice(5), value)
  }
  return 'hello'
}

async function* slow(ctx: Context): AsyncGenerator<string> {
  for (let i = Number(ctx.params['count']); i > 0 && !ctx.cancelled; i -= 1) {
    yield 'x'.repeat(500)
    await turn()
  }
}

async function fails(ctx: Context): Promise<void> {
  if (ctx.params['when'] === 'never') {
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
    return
  }
  if (ctx.params['when'] === 'late') ctx.write('begun')
  throw new Error('as asked')
}

async function socket(ctx: Context): Promise<void> {
  const messages = ctx.webSocket()
  if ('throw' in ctx.query) throw new Error('as asked')
  for await (const message of messages) await messages.send(message)
}

const services: Record<string, Handler> = {
  hello: () => 'Hello world!',
  echo: (ctx) => ctx.pipe(ctx),
  mirror,
  slow,
  fails,
  socket,
  guard: (ctx) => {
    const known = ctx.headers['authorization'] !== undefined
    ctx.status(known ? 200 : 401).header('auth-user', 'ada')
    return mirror(ctx)
  },
  grpc: grpcService(
    {
      '/test.Echo/Say': async (call) => await call.message(),
      '/test.Echo/Chat': async (call) => {
        for await (const message of call.messages) await call.send(message)
      },
    },
    { compress: true },
  ),
}

/** A folder with a file of every kind. */
function site(): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'text.txt'), 'hello '.repeat(20))
  writeFileSync(join(folder, 'text.txt.gz'), 'no gzip, which nobody looks at')
  writeFileSync(join(folder, 'large.txt'), 'x'.repeat(300_000))
  return folder
}

const descriptorsHere: Requirement = {
  met: existsSync('/proc/self/fd'),
  what: 'descriptors of a gateway that was told everything (the rest passed)',
  reason: 'no /proc here',
}
const descriptorsOf = (pid: number): number =>
  descriptorsHere.met ? readdirSync(`/proc/${pid}/fd`).length : 0

describe.each(drivers)(
  'whatever arrives at a gateway, driver %s',
  { timeout: 300_000 },
  (driver) => {
    test('it lives, good clients go on, and nothing is left', async (ctx) => {
      skipUnless(ctx, opensslHere)
      const [tls, redirects, admin] = [await freePort(), await freePort(), await freePort()]
      const { certificate, key } = selfSigned(temporaryFolder(), 'a')
      const routes = `${ROUTES.replace('FILES', site())}${SOCKET}`
      const gateway = await gatewayForTest({
        driver,
        top: `admin = "127.0.0.1:${admin}"\nlegacy = false`,
        config: `${routes}
[[http]]
addr = "127.0.0.1:${tls}"
https = true
driver = "${driver}"
http_addr = "127.0.0.1:${redirects}"
tls = { certificate = "${certificate}", key = "${key}" }
${driver === 'node' ? routes.replace('grpc = "web"', 'grpc = true') : routes}`,
      })
      const plain = Number(new URL(gateway.url).port)
      const node = await Node.start({ addrs: [gateway.mesh], services })
      onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
      const metric = async (name: string): Promise<number> => {
        const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
        return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
      }
      const before = descriptorsOf(gateway.process.pid)

      const h2 = driver === 'node' ? http2Speech : httpSpeech
      const bombs = [
        { dial: dialPlain(plain), speech: httpSpeech },
        { dial: dialPlain(redirects), speech: httpSpeech },
        { dial: dialTls(tls, 'h2'), speech: h2 },
        { dial: dialTls(tls, 'http/1.1'), speech: httpSpeech },
        { dial: dialPlain(admin), speech: httpSpeech },
      ].map((each, i) => new Bombardment({ ...each, rounds: ROUNDS, seed: SEED + i }))
      do {
        expect(await curl(`${gateway.url}/hello`)).toMatchObject({ exit: 0, status: 200 })
        expect(await curl(`https://127.0.0.1:${tls}/hello`, ['-k'])).toMatchObject({ status: 200 })
      } while (bombs.some(({ going }) => going))
      await Promise.all(bombs.map(({ done }) => done))

      expect(gateway.process.alive).toBe(true)
      const nothing = async (name: string): Promise<boolean> => (await metric(name)) === 0
      await eventually(() => nothing('flatend_http_in_flight'), { within: GIVEN_UP })
      await eventually(() => nothing('flatend_streams'), { within: GIVEN_UP })
      // Whatever clients say is no error; heads that HTTP/2 refuses are the fault of a service.
      const errors = gateway.process.lines.filter((line) => / error /.test(line))
      expect(errors.filter((line) => !line.includes('while an answer was sent'))).toEqual([])
      skipUnless(ctx, descriptorsHere)
      const descriptors = (): number => descriptorsOf(gateway.process.pid)
      await eventually(() => descriptors() <= before + DESCRIPTORS, { within: GIVEN_UP })
    })
  },
)
