/**
 * A mesh in memory, for the tests of your services: no ports, no sockets, the same cryptography,
 * streams and discovery.
 *
 * ```ts
 * const mesh = createTestMesh()
 * await mesh.start({ services: { hello: () => 'Hello world!' } })
 * const caller = await mesh.start()
 * await (await caller.call('hello')).text() // 'Hello world!'
 * await mesh.shutdown()
 * ```
 *
 * @packageDocumentation
 */
export { createTestMesh, type TestMesh, type TestMeshOptions } from './test-mesh.ts'
