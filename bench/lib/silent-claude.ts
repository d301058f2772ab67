const READY =
  '{"type":"control_response","response":{"subtype":"success","request_id":"cc-docker-initialise","response":{"claude_code_version":"0"}}}';

/** A program in the place of `claude`: it is initialised, and says nothing more. */
export const SILENT_CLAUDE = `#!/bin/sh\nread initialise\necho '${READY}'\nexec cat > /dev/null\n`;
