/** RFC 7748 §5.2: scalar, u-coordinate, result. */
export const X25519: readonly (readonly [string, string, string])[] = [
  [
    'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ],
  [
    '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  ],
]

/** RFC 7748 §5.2: the result after so many iterations. */
export const X25519_ITERATED: readonly (readonly [number, string])[] = [
  [1, '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079'],
  [1_000, '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51'],
]

/** RFC 7748 §6.1: private and public keys of two, and what they share. */
export const X25519_SHARED = {
  secretA: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
  publicA: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  secretB: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
  publicB: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  shared: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
} as const

/** u-coordinates of low order, canonical and not: RFC 7748 §6.1 wants their result refused. */
export const X25519_LOW_ORDER: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

/** RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature. */
export const ED25519: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
]

/** Keys anybody can sign for (small order), or that are not canonical. */
export const ED25519_BAD_KEYS: readonly string[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

/**
 * BLAKE2b-256 of the reference implementation (Python's hashlib): personalization, length of the
 * key 00 01 02 …, length of the input 00 01 02 … fa 00 …, digest.
 */
export const BLAKE2B: readonly (readonly [string, number, number, string])[] = [
  ['', 0, 0, '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8'],
  ['', 0, 3, '3d8c3d594928271f44aad7a04b177154806867bcf918e1549c0bc16f9da2b09b'],
  ['flatend2 transcr', 0, 0, 'fbf34f718135a886e9337ba964ed54dfa396c0bd4099b72769bcbd6caade0d72'],
  ['flatend2 transcr', 0, 255, 'ec230357f0c93a29acf12cd520136ae74d98f29435d7f811428eb04ca9a6c03b'],
  ['', 32, 0, '4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d'],
  ['', 32, 129, 'ca60f75cbb714330c046d8f28b4ed351a3ee81776bb02a96abb646fe573e3d5c'],
  ['', 64, 256, '5c73ab0067eed3fbff21ea081698f37a1420623e07e033305fec788ebd36c6ab'],
  ['flatend2 ratchet', 32, 32, '6975dd9ab822b0a08b40f25720a7d1e5316b582dc001a24c26358da936aa0818'],
  ['flatend2 net key', 1, 1, 'f8c2468d7a5b573f096f659e139aba6328a8aec67790e5a175373f8b5b447472'],
  [
    '0123456789abcdef',
    64,
    1_025,
    '90061850a1677f04a23887aef9109d77c88cb957281fecfd7e1796ddd12d44cb',
  ],
]

const GCM_KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const GCM_NONCE = 'cafebabefacedbaddecaf888'
const GCM_TEXT =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const GCM_SEALED =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'

/** McGrew and Viega, "The Galois/Counter Mode of Operation", cases 13 to 16: AES-256, 96-bit nonces. */
export const AES_GCM: readonly {
  readonly key: string
  readonly nonce: string
  readonly aad: string
  readonly text: string
  readonly sealed: string
}[] = [
  {
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    aad: '',
    text: '',
    sealed: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    aad: '',
    text: '00'.repeat(16),
    sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    key: GCM_KEY,
    nonce: GCM_NONCE,
    aad: '',
    text: GCM_TEXT,
    sealed: `${GCM_SEALED}b094dac5d93471bdec1a502270e3cc6c`,
  },
  {
    key: GCM_KEY,
    nonce: GCM_NONCE,
    aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    text: GCM_TEXT.slice(0, 120),
    sealed: `${GCM_SEALED.slice(0, 120)}76fc6ece0f4e1768cddf8853bb2d551b`,
  },
]
