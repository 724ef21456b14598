import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Node } from '@flatend/node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { flatend } from '../support/command.ts'
import { gatewayForTest, routes, temporaryFolder } from '../support/gateway.ts'
import { pattern, patternHash } from '../support/pattern.cjs'
import {
  eventually,
  FLATEND,
  freePort,
  start,
  stopProcessesAfterwards,
} from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'

stopProcessesAfterwards()

/** A port that is taken until the test ends. */
async function takenPort(): Promise<number> {
  const server: Server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Runs `flatend gateway` with a configuration that it should refuse. */
async function refusedGateway(config: string, ...args: string[]) {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'config.toml'), config)
  return flatend(['gateway', '-c', 'config.toml', ...args], '', cwd)
}

describe('help and version', { timeout: 60_000 }, () => {
  test.each([
    [[]],
    [['gateway']],
    [['call']],
    [['peers']],
    [['find']],
    [['repl']],
    [['doctor']],
    [['keygen']],
  ])('help of flatend %j', async (command) => {
    const { code, stdout, stderr } = await flatend([...command, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/usage/i)
    expect(stdout).toMatch(new RegExp(['flatend', ...command].join(' \\[?')))
    expect((await flatend([...command, '-h'])).stdout).toBe(stdout)
  })

  test('version', async () => {
    const manifest = JSON.parse(
      readFileSync(new URL('../../apps/node/package.json', import.meta.url), 'utf8'),
    ) as { readonly version: string }
    const { code, stdout } = await flatend(['--version'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` })
  })

  test('the help of a command names all its options', async () => {
    for (const command of ['gateway', 'call', 'peers', 'find', 'repl', 'doctor']) {
      const { stdout } = await flatend([command, '--help'])
      for (const option of [
        'bootstrap',
        'legacy',
        'listen',
        'log-level',
        'network',
        'network-key-file',
        'puzzle-static',
        'puzzle-dynamic',
        'profile',
        'peer-cache',
        'lan',
        'lan-interface',
        'secret-key-file',
      ]) {
        expect(stdout).toContain(`--${option}`)
      }
    }
  })
})

describe('wrong use: one clear line, status 2', { timeout: 60_000 }, () => {
  test.each([
    [['--nonsense'], '--nonsense'],
    [['gateway', '--nonsense'], '--nonsense'],
    [['call', '--nonsense'], '--nonsense'],
    [['keygen', '--nonsense'], '--nonsense'],
    [['repl', '--nonsense'], '--nonsense'],
    [['repl', 'hello'], 'hello'],
    [['repl', '-b', 'nonsense'], 'nonsense'],
    [['dance'], 'dance'],
    [['constructor'], 'constructor'],
    [['keygen', 'a', 'b'], 'one file'],
    [['call'], /name/i],
    [['call', 'hello', '-b', 'nonsense'], 'nonsense'],
    [['call', 'hello', '-b', '127.0.0.1:99999'], '99999'],
    [['gateway', '--log-level', 'loud'], 'loud'],
    [['gateway', '--listen', 'nonsense'], 'nonsense'],
    [['peers', '--puzzle-static', '25'], '0 to 24'],
    [['peers', '--puzzle-dynamic', '1e1'], '0 to 24'],
    [['peers', '--network-key-file', 'none'], 'keygen --network FILE'],
    [['keygen', '--network', '--puzzle', '4'], 'one of the two'],
    [['doctor', '-c', 'none.toml'], 'none.toml'],
    [['gateway', '-c'], '-c'],
    [['gateway', '--check', '--reload'], 'one of the two'],
    [['gateway', '--admin', '127.0.0.1:1'], '--reload'],
  ])('%j', async (args, says) => {
    const { code, stderr } = await flatend(args, '', temporaryFolder())
    const [line = ''] = stderr.split('\n')
    expect(line).toMatch(/^flatend: /)
    expect(line).toMatch(says)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(code).toBe(2)
  })

  test('a key file that is missing, unreadable or no key', async () => {
    const folder = temporaryFolder()
    const short = join(folder, 'short')
    writeFileSync(short, 'abcdef\n')
    for (const [file, says] of [
      [join(folder, 'missing'), /no such file/],
      [folder, /EISDIR/],
      [short, /not usable/],
    ] as const) {
      const { code, stderr } = await flatend(['call', 'hello', '--secret-key-file', file])
      expect(code).toBe(2)
      expect(stderr).toMatch(says)
      expect(stderr).toContain(file)
    }
  })
})

describe('output that nobody reads', { timeout: 60_000 }, () => {
  test.each([[['--help']], [['keygen']], [['gateway', '--help']]])(
    '%j ends as usual',
    async (args) => {
      const child = spawn(process.execPath, [FLATEND, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child.stdout.destroy()
      let complaints = ''
      child.stderr.on('data', (chunk: Buffer) => {
        complaints += chunk.toString()
      })
      const [code] = (await once(child, 'close')) as [number]
      expect({ code, complaints: complaints.replace(/^public key .*\n/, '') }).toEqual({
        code: 0,
        complaints: '',
      })
    },
  )
})

describe('what a node says why it refuses is spelled out', { timeout: 60_000 }, () => {
  test.each([
    ['call', ['call', 'hello']],
    ['connect', ['doctor']],
  ])('%s', async (refused, args) => {
    const node = await Node.start({
      bindAddrs: ['127.0.0.1:0'],
      services: { hello: () => 'hello' },
      authorize: ({ action }) => action !== refused || 'go away\u001b[2J',
    })
    onTestFinished(() => node.shutdown({ timeoutMs: 0 }))
    const { code, stdout, stderr } = await flatend([...args, '-b', String(node.address)])
    expect(code).toBe(1)
    expect(stdout + stderr).toContain('go away\\x1b[2J')
  })
})

describe('keygen', { timeout: 60_000 }, () => {
  test('prints a key', async () => {
    const { code, stdout } = await flatend(['keygen'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[0-9a-f]{128}\n$/)
    expect((await flatend(['keygen'])).stdout).not.toBe(stdout)
  })

  test('writes a key that only its owner can read, and never over another', async () => {
    const file = join(temporaryFolder(), 'node.key')
    expect(await flatend(['keygen', file])).toMatchObject({ code: 0 })
    const key = readFileSync(file, 'utf8')
    expect(key).toMatch(/^[0-9a-f]{128}\n$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const again = await flatend(['keygen', file])
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining(file) })
    expect(readFileSync(file, 'utf8')).toBe(key)
  })

  test('a folder that does not exist is one line', async () => {
    const file = join(temporaryFolder(), 'none', 'node.key')
    const { code, stderr } = await flatend(['keygen', file])
    expect(code).toBe(2)
    expect(stderr.split('\n')[0]).toContain(file)
    expect(existsSync(file)).toBe(false)
  })

  test('the identity of a gateway is that of its key file', async () => {
    const file = join(temporaryFolder(), 'node.key')
    const publicKey = /[0-9a-f]{64}/.exec((await flatend(['keygen', file])).stderr)?.[0]
    const gateway = await gatewayForTest({
      config: routes(['GET /hello', 'hello']),
      args: ['--secret-key-file', file],
    })
    const node = await startNode({ addrs: [gateway.mesh] })
    const { peers } = (await node.command('peers')) as { peers: readonly { readonly id: string }[] }
    expect(peers.map(({ id }) => id)).toEqual([publicKey])
  })
})

describe('a gateway that cannot start', { timeout: 60_000 }, () => {
  test.each(['uws', 'node'])('taken HTTP port, driver %s', async (driver) => {
    const port = await takenPort()
    const { code, stderr } = await refusedGateway(
      `addr = "127.0.0.1:${await freePort()}"\n[[http]]\naddr = "127.0.0.1:${port}"\ndriver = "${driver}"\n`,
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`^flatend: .*127\\.0\\.0\\.1:${port}`, 'm'))
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('taken mesh port', async () => {
    const port = await takenPort()
    const { code, stderr } = await refusedGateway(
      `addr = "127.0.0.1:${port}"\n[[http]]\naddr = "127.0.0.1:${await freePort()}"\n`,
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`^flatend: .*127\\.0\\.0\\.1:${port}`, 'm'))
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test.each([
    ['[[http]]\naddr = "127.0.0.1:1"\nadr = "x"', 'config.toml:3', 'adr'],
    ['addr = 5\n', 'config.toml:1', 'addr'],
    ['\n\n[[http]]\naddrs = "no list"', 'config.toml:4', 'addrs'],
    ['[[http]]\n[[http.routes]]\npath = "FETCH"\nservice = "a"', 'config.toml:3', 'path'],
    ['[[http]]\n[http.timeout]\nread = "ten"', 'config.toml:3', 'read'],
    ['[[http]]\ndriver = "apache"', 'config.toml:2', 'driver'],
    ['[[http]\n', 'config.toml:', 'TOML'],
  ])('configuration %j', async (config, place, key) => {
    const { code, stderr } = await refusedGateway(config)
    expect(code).toBe(2)
    expect(stderr).toContain(place)
    expect(stderr).toContain(key)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('all mistakes of a configuration are told at once', async () => {
    const { code, stderr } = await refusedGateway('[[http]]\nadr = "x"\n\n[other]\na = 1\n')
    expect(code).toBe(2)
    expect(stderr).toContain('config.toml:2')
    expect(stderr).toContain('config.toml:4')
  })

  test('a configuration that is named but missing', async () => {
    const { code, stderr } = await flatend(['gateway', '-c', 'none.toml'], '', temporaryFolder())
    expect(code).toBe(2)
    expect(stderr).toMatch(/^flatend: .*none\.toml/)
  })
})

describe('call', { timeout: 60_000 }, () => {
  test('data, standard input, headers, status', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const services = ['hello', 'pipe', 'show', 'collect', 'fail', 'big']
    await startNode({ publicAddr: address, services })
    const call = (args: readonly string[], input?: string | Buffer) =>
      flatend(['call', ...args, '-b', address], input)

    expect(await call(['hello'])).toMatchObject({ code: 0, stdout: 'Hello world!' })
    expect(await call(['pipe', '--data', 'some text'])).toMatchObject({
      code: 0,
      stdout: 'some text',
    })
    expect(await call(['pipe'], 'piped text')).toMatchObject({ code: 0, stdout: 'piped text' })
    const shown = await call(['show', '-H', 'x-a: one', '-H', 'x-b:zwö'])
    expect(JSON.parse(shown.stdout)).toMatchObject({ headers: { 'x-a': 'one', 'x-b': 'zwö' } })

    const size = 20_000_000
    const sent = await call(['collect'], Buffer.concat([...pattern(size)]))
    expect(JSON.parse(sent.stdout)).toEqual({ bytes: size, sha1: patternHash(size) })

    const failed = await call(['fail'])
    expect(failed.code).toBe(1)
    expect(failed.stdout + failed.stderr).toContain('500')
    expect(failed.stdout + failed.stderr).not.toContain('secret')

    const none = await call(['nobody'])
    expect(none.code).toBe(1)
    expect(none.stderr).toMatch(/^flatend: .*nobody/m)
    expect(none.stderr).not.toMatch(/^\s+at /m)
  })

  test('input is sent as it comes, not when it is complete', async () => {
    const address = `127.0.0.1:${await freePort()}`
    await startNode({ publicAddr: address, services: ['pipe'] })
    const call = start([FLATEND, 'call', 'pipe', '-b', address])
    call.child.stdin.write('first\n')
    await call.line(/^first$/)
    call.child.stdin.end('second\n')
    await call.line(/^second$/)
    expect(await call.exited).toMatchObject({ code: 0 })
  })

  test('an answer that is complete does not wait for the input', async () => {
    const address = `127.0.0.1:${await freePort()}`
    await startNode({ publicAddr: address, services: ['hello'] })
    const call = start([FLATEND, 'call', 'hello', '-b', address])
    await eventually(() => !call.alive, { within: 10_000 })
    expect(await call.exited).toMatchObject({ code: 0 })
    expect(call.stdout).toBe('Hello world!')
  })

  test('nobody listens there: a failure in good time', async () => {
    const { code, stderr } = await flatend(['call', 'hello', '-b', `127.0.0.1:${await freePort()}`])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^flatend: /m)
  })
})
