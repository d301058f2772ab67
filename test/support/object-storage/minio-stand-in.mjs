// In the place of MinIO's image, which no machine of ours can fetch: an S3 service that takes the user and the password of
// MinIO's own variables, and no others, and has no bucket until one is made.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const S3rver = require('s3rver');
const { DUMMY_ACCOUNT } = require('s3rver/lib/models/account');

const read = (variable) => readFileSync(process.env[variable], 'utf8').trim();
DUMMY_ACCOUNT.revokeAccessKey('S3RVER');
DUMMY_ACCOUNT.createKeyPair(read('MINIO_ROOT_USER_FILE'), read('MINIO_ROOT_PASSWORD_FILE'));
mkdirSync('/data', { recursive: true });
// The first part of its host's name is no bucket's.
await new S3rver({ address: '0.0.0.0', port: 9000, directory: '/data', silent: true, vhostBuckets: false }).run();
