import { execSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { example, start } from '../support/example.ts'
import { opensslHere } from '../support/openssl.ts'
import { FLATEND, PATIENCE } from '../support/processes.ts'
import { skipUnless } from '../support/skip.ts'

test('a client of gRPC is answered by a service of the mesh', async (ctx) => {
  skipUnless(ctx, opensslHere)
  const grpc = await example('grpc')
  const cwd = grpc.copy()
  const { scripts } = JSON.parse(readFileSync(join(grpc.folder, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly certificate: string }
  }
  execSync(scripts.certificate, { cwd, stdio: 'ignore' })
  const gateway = start(process.execPath, [FLATEND, 'gateway', '-c', 'config.toml'], { cwd })
  await gateway.prints(/HTTP/)
  const asked = async (): Promise<string> => {
    const env = { PORT: new URL(grpc.url).port }
    const client = start(process.execPath, [join(grpc.folder, 'client.js')], { cwd, env })
    await client.ended
    return client.output
  }
  const service = grpc.run('index.js')
  await service.prints(/running/)
  const readme = readFileSync(join(grpc.folder, 'README.md'), 'utf8')
  const [, told] = /\$ npm run --silent client\n([^`]+)```/.exec(readme) ?? []
  const until = performance.now() + PATIENCE
  // A service that just started is known in a moment.
  let output = await asked()
  while (output.startsWith('14:') && performance.now() < until) output = await asked()
  expect(output).toBe(told)

  await service.stop()
  expect(await asked()).toContain('14: Nobody provides the service at the moment.')
})
