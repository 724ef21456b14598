import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { generateSecretKey, Node, type NodeOptions } from '@flatend/node'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { flatend } from '../support/command.ts'
import { temporaryFolder } from '../support/gateway.ts'
import {
  eventually,
  FLATEND,
  freePort,
  start,
  stopProcessesAfterwards,
} from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

interface Finding {
  readonly level: string
  readonly check: string
  readonly subject?: string
  readonly message: string
  readonly cure?: string
  readonly details?: Readonly<Record<string, string | number>>
}

/** What the doctor says of these addresses to join through. */
async function doctor(seeds: readonly string[], ...options: readonly string[]) {
  const bootstrap = seeds.flatMap((seed) => ['-b', seed])
  const { code, stdout, stderr } = await flatend(['doctor', '--json', ...bootstrap, ...options])
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
  expect(code).toBe(ok ? 0 : 1)
  const of = (check: string): Finding[] => findings.filter((one) => one.check === check)
  return { code, stderr, findings, of, trouble: of('seed')[0]?.details?.['trouble'] }
}

async function node(options: NodeOptions = {}): Promise<Node> {
  const started = await Node.start({ bindAddrs: ['127.0.0.1:0'], ...options })
  onTestFinished(() => started.shutdown({ timeoutMs: 0 }))
  return started
}

/** A server that answers every connection as told; gives its address. */
async function server(answer: string | undefined): Promise<string> {
  const listening = createServer((socket) => {
    socket.on('error', () => undefined).resume()
    if (answer !== undefined) socket.end(answer)
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(() => void listening.close())
  return `127.0.0.1:${(listening.address() as AddressInfo).port}`
}

const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

describe('flatend doctor: what is wrong with a seed', { timeout: 60_000 }, () => {
  test('nobody listens; the text names it, the cure, and that there is one problem', async () => {
    const address = await freeAddress()
    const { code, trouble } = await doctor([address])
    expect({ code, trouble }).toEqual({ code: 1, trouble: 'unreachable' })
    const { stdout } = await flatend(['doctor', '-b', address])
    expect(stdout).toContain(`problem  seed ${address}: nothing can be connected to there`)
    expect(stdout).toContain('ECONNREFUSED')
    expect(stdout).toMatch(/cure: start the node there/)
    expect(stdout.trimEnd().endsWith('1 problem.')).toBe(true)
  })

  test('a web server', async () => {
    const http = createHttpServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await once(http, 'listening')
    onTestFinished(() => {
      http.closeAllConnections()
      http.close()
    })
    const { port } = http.address() as AddressInfo
    const seen = await doctor([`127.0.0.1:${port}`])
    expect(seen.trouble).toBe('foreign')
    expect(seen.of('seed')[0]?.message).toContain('no flatend node')
    expect(seen.of('seed')[0]?.details?.['reason']).toContain('HTTP/1.1')
  })

  test('another program, and one that says nothing', async () => {
    const [ssh, mute] = [await server('SSH-2.0-Example\r\n'), await server(undefined)]
    const { of, code } = await doctor([ssh, mute])
    expect(of('seed').map(({ details }) => details?.['trouble'])).toEqual(['foreign', 'silent'])
    expect(of('seed')[0]?.details?.['reason']).toContain('SSH-2.0-Example')
    expect(code).toBe(1)
  })

  test('another network; the right one is well', async () => {
    const other = await node({ network: 'blue' })
    const address = other.address as string
    const wrong = await doctor([address])
    expect(wrong.trouble).toBe('network')
    expect(wrong.of('seed')[0]?.message).toContain('another network')
    const right = await doctor([address], '--network', 'blue')
    expect(right.code).toBe(0)
  })

  test('a node of 2020, refused and allowed', async () => {
    const address = await freeAddress()
    await startNode({ sdk: '2020', identified: true, publicAddr: address })
    const refused = await doctor([address])
    expect(refused.trouble).toBe('legacy')
    expect(refused.of('seed')[0]?.cure).toContain('--legacy')
    // A node that joins there says the same in its log.
    const { stderr } = await flatend(['peers', '-b', address])
    expect(stderr).toContain('the node there speaks the protocol of 2020 only')
    const allowed = await doctor([address], '--legacy')
    expect(allowed.of('legacy')[0]?.message).toContain('protocol of 2020')
    expect(allowed.code).toBe(0)
  })

  test('another key, a closed list, and a name that is unknown', async () => {
    const closed = await node({ allow: { peers: [] } })
    const open = await node()
    const pinned = await doctor([`${'0a'.repeat(32)}@${open.address}`])
    expect(pinned.trouble).toBe('key')
    expect(pinned.of('seed')[0]?.cure).toContain('before the @')
    expect((await doctor([`${open.id.toString()}@${open.address}`])).code).toBe(0)
    expect((await doctor([closed.address as string])).trouble).toBe('denied')
    expect((await doctor(['nowhere.invalid:9000'])).trouble).toBe('unresolved')
  })

  test('one good seed beside a bad one: still a problem, the rest is looked at all the same', async () => {
    const good = await node()
    const { code, of } = await doctor([await freeAddress(), good.address as string])
    expect(code).toBe(1)
    expect(of('seed').map(({ level }) => level)).toEqual(['problem', 'ok'])
    expect(of('clock')).toHaveLength(1)
  })
})

describe('flatend doctor: a healthy mesh', { timeout: 60_000 }, () => {
  test('all is well, also with --listen, which has nodes dial back', async () => {
    const address = await freeAddress()
    await startNode({ identified: true, publicAddr: address, services: ['hello'] })
    await startNode({ addrs: [address], bindAddrs: [await freeAddress()], services: ['big'] })
    const { code, of } = await doctor([address])
    expect(code).toBe(0)
    expect(of('seed')).toMatchObject([
      { level: 'ok', subject: address, details: { rttMs: expect.any(Number) as number } },
    ])
    expect(of('clock')).toMatchObject([{ level: 'ok' }])
    expect(Math.abs(Number(of('clock')[0]?.details?.['skewMs']))).toBeLessThan(1_000)
    expect(of('address')[0]?.message).toContain('no NAT')
    expect(of('mesh')[0]?.message).toBe('connected to 2 nodes')
    expect(of('legacy')).toEqual([])
    expect(of('reachability')).toMatchObject([{ level: 'note' }])

    const listen = await freeAddress()
    const { code: listening, of: found } = await doctor([address], '--listen', listen)
    expect(listening).toBe(0)
    expect(found('reachability')).toMatchObject([
      { level: 'ok', message: expect.stringContaining(listen) as string },
    ])
    const { stdout } = await flatend(['doctor', '-b', address])
    expect(stdout.trimEnd().endsWith('All is well.')).toBe(true)
  })

  test('a clock that is wrong is a problem from a minute on', async () => {
    const seed = await node()
    const { now } = Date
    for (const [ahead, level, code] of [
      [120_000, 'problem', 1],
      [-20_000, 'warning', 0],
    ] as const) {
      // The seed lives in this process, the doctor in another.
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
      const seen = await doctor([seed.address as string])
      clock.mockRestore()
      const [finding] = seen.of('clock')
      expect({ code: seen.code, level: finding?.level }).toEqual({ code, level })
      expect(Math.abs(Number(finding?.details?.['skewMs']) - ahead)).toBeLessThan(1_000)
      expect(finding?.message).toContain(ahead > 0 ? 'behind the mesh' : 'ahead of the mesh')
      expect(finding?.cure).toContain('NTP')
    }
  })

  test('a node that others reach and this machine does not is named', async () => {
    const secretKey = generateSecretKey()
    const seed = await node({ secretKey })
    const address = seed.address as string
    const closed = await node({ addrs: [address], allow: { peers: [seed.id.toString()] } })
    // The seed tells of it once it has dialed it itself.
    await eventually(() => seed.peers().length === 1)
    const found = await eventually(async () => {
      const seen = await doctor([address])
      return seen.of('mesh').length > 1 ? seen : undefined
    })
    expect(found?.code).toBe(0)
    expect(found?.of('mesh')[1]).toMatchObject({ level: 'warning', subject: closed.address })
  })

  test('a seed that takes nodes of 2020 is named', async () => {
    const seed = await node({ legacy: true })
    const { code, of } = await doctor([seed.address as string])
    expect(code).toBe(0)
    expect(of('legacy')).toMatchObject([{ level: 'note' }])
  })

  test('an address that is taken cannot be tried', async () => {
    const seed = await node()
    const { code, of } = await doctor([seed.address as string], '--listen', seed.address as string)
    expect(code).toBe(1)
    expect(of('reachability')[0]?.message).toContain('EADDRINUSE')
  })
})

describe('flatend peers and find', { timeout: 60_000 }, () => {
  test('list whom a mesh has and who offers a function', async () => {
    const address = await freeAddress()
    const seed = await startNode({ identified: true, publicAddr: address, services: ['hello'] })
    const second = await freeAddress()
    await startNode({ bindAddrs: [second], addrs: [address], services: ['hello', 'big'] })
    await startNode({ bindAddrs: [], addrs: [address], services: ['pipe'] })

    const { code, stdout } = await flatend(['peers', '-b', address, '--json'])
    const peers = JSON.parse(stdout) as { address: string | null; services: string[] }[]
    expect(code).toBe(0)
    expect(peers.map((peer) => peer.address)).toEqual(expect.arrayContaining([address, second]))
    const ofSeed = peers.find((peer) => peer.address === address)
    expect(ofSeed).toMatchObject({ version: 2, services: ['hello'] })
    expect(ofSeed).toMatchObject({ key: expect.stringMatching(/^[0-9a-f]{64}$/) as string })
    expect(ofSeed).toMatchObject({ rttMs: expect.any(Number) as number })
    const table = await flatend(['peers', '-b', address])
    expect(table.stdout).toMatch(/^KEY +ADDRESS +VERSION +ROUND TRIP +SERVICES\n/)
    expect(table.stdout).toMatch(new RegExp(`${second} +2 +[\\d.]+ ms +big hello`))

    const found = await flatend(['find', 'hello', '-b', address, '--json'])
    const providers = JSON.parse(found.stdout) as { addresses: string[]; way: string }[]
    expect(providers.map(({ addresses }) => addresses[0])).toEqual(
      expect.arrayContaining([address, second]),
    )
    expect(providers).toHaveLength(2)
    expect(providers.every(({ way }) => way === 'direct')).toBe(true)
    const shown = await flatend(['find', 'big', '-b', address])
    expect(shown.stdout).toMatch(/^KEY +ADDRESSES +WAY +AGE +ROUND TRIP\n/)
    expect(shown.stdout).toContain(second)
    const nobody = await flatend(['find', 'nothing', '-b', address])
    expect(nobody.code).toBe(1)
    expect(nobody.stderr).toContain('nobody offers "nothing"')
    expect(seed.process.alive).toBe(true)
  })

  test('a peer cache leads back to the mesh where no seed is left', async () => {
    const [first, second] = [await freeAddress(), await freeAddress()]
    const seed = await startNode({ identified: true, publicAddr: first })
    await startNode({ bindAddrs: [second], addrs: [first], services: ['hello'] })
    const folder = temporaryFolder()
    const cache = join(folder, 'peers.json')
    const call = () => flatend(['call', 'hello', '-b', first, '--peer-cache', cache])
    expect(await call()).toMatchObject({ code: 0, stdout: 'Hello world!' })
    expect(statSync(cache).mode & 0o777).toBe(0o600)
    await seed.process.stop('SIGKILL')
    expect(await call()).toMatchObject({ code: 0, stdout: 'Hello world!' })
    const { code } = await flatend(['call', 'hello', '-b', first])
    expect(code).toBe(1)

    // A gateway keeps one too, where its configuration says so.
    const config = join(folder, 'config.toml')
    const kept = join(folder, 'gateway.json')
    const http = await freeAddress()
    const lines = [
      'addr = "127.0.0.1:0"',
      `bootstrap = ["${second}"]`,
      `peer_cache = ${JSON.stringify(kept)}`,
      `[[http]]\naddr = "${http}"`,
    ]
    writeFileSync(config, lines.join('\n'))
    const gateway = start([FLATEND, 'gateway', '-c', config])
    await gateway.line(/peer connected/)
    await eventually(() => fetch(`http://${http}`).catch(() => undefined))
    expect(await gateway.stop()).toMatchObject({ code: 0 })
    expect(readFileSync(kept, 'utf8')).toContain(second)
  })

  test('say why where nobody can be joined', async () => {
    const address = await freeAddress()
    for (const command of [['peers'], ['find', 'hello']]) {
      const { code, stderr } = await flatend([...command, '-b', address])
      expect(code).toBe(1)
      expect(stderr).toContain(`cannot join through ${address}`)
      expect(stderr).toContain(`flatend doctor -b ${address}`)
    }
  })

  test.each([
    [['peers', 'more'], 'more'],
    [['find'], 'one name'],
    [['find', 'a', 'b'], 'one name'],
    [['doctor', 'more'], 'more'],
    [['doctor', '-b', 'nonsense'], 'nonsense'],
    [['doctor', '-b', '0a@127.0.0.1:1'], '64 hex digits'],
  ])('wrong use is one clear line: %j', async (args, says) => {
    const { code, stderr } = await flatend(args)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^flatend: /)
    expect(stderr).toContain(says)
    expect(stderr).not.toMatch(/^\s+at /m)
  })
})
