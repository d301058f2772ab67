// Typed beside this: the package's own types bring Node's along, and with them the edge would be checked against Node.
export { verifyKey } from 'discord-interactions';
