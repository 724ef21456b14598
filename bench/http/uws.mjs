/** uWebSockets.js in the version that has a binary for this Node. */
export async function loadUws() {
  const loaded = await import('uws-20-69').catch(() => import('uws-20-51'))
  return loaded.default
}
