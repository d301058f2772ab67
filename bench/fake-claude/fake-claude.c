/*
 * A stand-in for `claude` in measurements of many sessions on one host: it speaks the lines of `-p --input-format stream-json`
 * (Claude Code 2.1.330) to the wrapper, keeps a transcript as Claude Code does, and needs 1 to 2 MB in place of 200. It calls no
 * model and runs no tool. It is built when a measurement starts (`build.ts`), and is in no image that ships.
 *
 * A prompt may say what its turn is like: `fake: words=40 every=100 tools=2`: so many previews, milliseconds between them, calls
 * of a tool. Without it: 1 word at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_WAITING 64
#define ID 40

static char session_id[ID] = "00000000-0000-4000-8000-000000000000";
static char *transcript;
static int turns;
/* Of the last turn: no two of a conversation are alike, over a resume too. */
static unsigned next_id;

/* A message that waits, or whose turn runs. */
struct message {
  char uuid[ID];
  char *content;
};
static struct message waiting[MAX_WAITING];
static int waits;

/* The running turn; `words` < 0: none runs. */
static struct message now;
static int words = -1, said, every, tools;
static long long due, begun;

static long long clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static const char *uuid(void) {
  static char text[ID];
  unsigned char b[16];
  if (getrandom(b, sizeof b, 0) != sizeof b) exit(1);
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  sprintf(text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
          b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  return text;
}

/* Writes one line whole; whoever reads may be slow. */
static void put(const char *line, size_t length) {
  while (length > 0) {
    ssize_t written = write(1, line, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) exit(1);
    line += written;
    length -= written;
  }
}

/* A line of output, with the conversation and an id of its own at its end. `format` is the line without its last `}`. */
static void say(const char *format, ...) {
  char *body, *line;
  va_list values;
  va_start(values, format);
  if (vasprintf(&body, format, values) < 0) exit(1);
  va_end(values);
  int length = asprintf(&line, "%s,\"session_id\":\"%s\",\"uuid\":\"%s\"}\n", body, session_id, uuid());
  if (length < 0) exit(1);
  put(line, length);
  free(body);
  free(line);
}

static void make_folders(char *path) {
  for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
    *at = 0;
    mkdir(path, 0700);
    *at = '/';
  }
}

/* As Claude Code's: `projects/<cwd with - for all else>/<session>.jsonl`. */
static void open_transcript(void) {
  const char *config = getenv("CLAUDE_CONFIG_DIR");
  char *cwd = getcwd(NULL, 0);
  if (config == NULL || cwd == NULL) return;
  for (char *at = cwd; *at; at++)
    if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *at) == NULL) *at = '-';
  if (asprintf(&transcript, "%s/projects/%s/%s.jsonl", config, cwd, session_id) < 0) exit(1);
  make_folders(transcript);
  free(cwd);
}

static void note(const char *format, ...) {
  if (transcript == NULL) return;
  FILE *file = fopen(transcript, "a");
  if (file == NULL) return;
  va_list values;
  va_start(values, format);
  vfprintf(file, format, values);
  va_end(values);
  fclose(file);
}

/* The text after `key` in a line, up to its quote. The wrapper's lines are those of JSON.stringify, so a quote in a text has a \ before it. */
static int text_of(const char *line, const char *key, char *into, size_t size) {
  const char *at = strstr(line, key);
  if (at == NULL) return 0;
  at += strlen(key);
  size_t length = strcspn(at, "\"");
  if (length >= size) return 0;
  memcpy(into, at, length);
  into[length] = 0;
  return 1;
}

static int number_of(const char *text, const char *name, int fallback) {
  const char *at = strstr(text, "fake: ");
  if (at == NULL) return fallback;
  at = strstr(at, name);
  return at == NULL ? fallback : atoi(at + strlen(name));
}

static void state(const char *name) {
  say("{\"type\":\"system\",\"subtype\":\"session_state_changed\",\"state\":\"%s\"", name);
}

static void lifecycle(const char *message, const char *name) {
  say("{\"type\":\"command_lifecycle\",\"command_uuid\":\"%s\",\"state\":\"%s\"", message, name);
}

static void preview(const char *event) {
  say("{\"type\":\"stream_event\",\"event\":%s,\"parent_tool_use_id\":null", event);
}

static void begin(void) {
  now = waiting[0];
  memmove(waiting, waiting + 1, --waits * sizeof waiting[0]);
  words = number_of(now.content, "words=", 1);
  every = number_of(now.content, "every=", 0);
  tools = number_of(now.content, "tools=", 0);
  said = 0;
  begun = due = clock_ms();
  next_id++;
  lifecycle(now.uuid, "started");
  say("{\"type\":\"system\",\"subtype\":\"init\",\"cwd\":\"/workspace\",\"tools\":[],\"mcp_servers\":[],\"model\":\"fake\","
      "\"permissionMode\":\"bypassPermissions\",\"claude_code_version\":\"fake\",\"user_message_uuids\":[\"%s\"]",
      now.uuid);
  say("{\"type\":\"system\",\"subtype\":\"status\",\"status\":\"requesting\",\"user_message_uuids\":[\"%s\"]", now.uuid);
  say("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":%s},\"parent_tool_use_id\":null,\"isReplay\":true", now.content);
  note("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":%s},\"uuid\":\"%s\",\"sessionId\":\"%s\"}\n", now.content, now.uuid,
       session_id);
  preview("{\"type\":\"message_start\",\"message\":{\"id\":\"msg_fake\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}}");
  preview("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");
}

static void result(const char *more) {
  say("{\"type\":\"result\",\"num_turns\":1,\"duration_ms\":%lld,\"total_cost_usd\":%.4f,"
      "\"usage\":{\"input_tokens\":100,\"output_tokens\":%d,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0},"
      "\"model_usage_since_last_result\":{\"fake\":{\"costUSD\":0.0001}},\"permission_denials\":[],"
      "\"user_message_uuids\":[\"%s\"],\"result_index\":%d,%s",
      clock_ms() - begun, 0.0001 * (turns + 1), said, now.uuid, turns, more);
  turns++;
}

static void end(int interrupted) {
  char text[64];
  snprintf(text, sizeof text, "%d words", said);
  preview("{\"type\":\"content_block_stop\",\"index\":0}");
  preview("{\"type\":\"message_stop\"}");
  say("{\"type\":\"assistant\",\"message\":{\"id\":\"msg_fake_%u\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"fake\","
      "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]},\"parent_tool_use_id\":null",
      next_id, text);
  note("{\"type\":\"assistant\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}}\n", text);
  for (int n = 0; n < tools && !interrupted; n++) {
    say("{\"type\":\"assistant\",\"message\":{\"id\":\"msg_fake_%u_%d\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"fake\","
        "\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_%u_%d\",\"name\":\"Bash\",\"input\":{\"command\":\"true\"}}]},"
        "\"parent_tool_use_id\":null",
        next_id, n, next_id, n);
    say("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_%u_%d\","
        "\"content\":\"done\"}]},\"parent_tool_use_id\":null",
        next_id, n);
  }
  if (interrupted) result("\"subtype\":\"error_during_execution\",\"is_error\":true,\"terminal_reason\":\"aborted_streaming\",\"errors\":[]");
  else {
    char more[160];
    snprintf(more, sizeof more, "\"subtype\":\"success\",\"is_error\":false,\"terminal_reason\":\"completed\",\"result\":\"%s\"", text);
    result(more);
  }
  lifecycle(now.uuid, interrupted ? "cancelled" : "completed");
  free(now.content);
  words = -1;
  if (waits > 0) begin();
  else state("idle");
}

static void word(void) {
  char event[128];
  snprintf(event, sizeof event, "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word%d\"}}", said);
  preview(event);
  said++;
  due += every;
  if (said >= words) end(0);
}

static void answer(const char *request, const char *response) {
  char *line;
  int length = asprintf(&line, "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"%s\",\"response\":%s}}\n",
                        request, response);
  if (length < 0) exit(1);
  put(line, length);
  free(line);
}

static void control(const char *line) {
  char request[128], subtype[64], usage[96];
  if (!text_of(line, "\"request_id\":\"", request, sizeof request)) return;
  if (!text_of(line, "\"request\":{\"subtype\":\"", subtype, sizeof subtype)) return;
  if (strcmp(subtype, "initialize") == 0) return answer(request, "{\"claude_code_version\":\"fake\",\"commands\":[]}");
  if (strcmp(subtype, "mcp_status") == 0) return answer(request, "{\"mcpServers\":[]}");
  if (strcmp(subtype, "get_usage") == 0) {
    snprintf(usage, sizeof usage, "{\"session\":{\"total_cost_usd\":%.4f}}", 0.0001 * turns);
    return answer(request, usage);
  }
  if (strcmp(subtype, "claim_session") == 0) return answer(request, "{\"status\":\"ok\",\"parked_ms\":0,\"sdk_mcp_settled\":true}");
  if (strcmp(subtype, "interrupt") != 0) return answer(request, "{}");
  answer(request, "{\"still_queued\":[],\"cancelled\":[]}");
  if (words >= 0) end(1);
}

/* `{"type":"user","message":{"role":"user","content":[…]},"parent_tool_use_id":null,"uuid":"…"}` */
static void user(char *line) {
  char *from = strstr(line, "\"content\":"), *to = strstr(line, "},\"parent_tool_use_id\"");
  struct message message;
  if (from == NULL || to == NULL || !text_of(to, "\"uuid\":\"", message.uuid, sizeof message.uuid) || waits == MAX_WAITING) exit(1);
  from += strlen("\"content\":");
  message.content = strndup(from, to - from);
  waiting[waits++] = message;
  if (words < 0) state("running");
  lifecycle(message.uuid, "queued");
  if (words < 0) begin();
}

static void take(char *line) {
  if (strncmp(line, "{\"type\":\"control_request\"", 25) == 0) control(line);
  else if (strncmp(line, "{\"type\":\"user\"", 14) == 0) user(line);
}

int main(int count, char **args) {
  for (int n = 1; n < count; n++) {
    if (strcmp(args[n], "--version") == 0) return puts("2.1.330 (fake)") < 0;
    if (n + 1 < count && (strcmp(args[n], "--session-id") == 0 || (strcmp(args[n], "--resume") == 0 && strlen(args[n + 1]) < ID)))
      snprintf(session_id, sizeof session_id, "%s", args[n + 1]);
  }
  open_transcript();
  if (getrandom(&next_id, 3, 0) != 3) return 1;
  char *buffer = NULL;
  size_t used = 0, size = 0;
  for (;;) {
    struct pollfd in = {.fd = 0, .events = POLLIN};
    long long wait = words < 0 ? -1 : due - clock_ms();
    int ready = poll(&in, 1, words < 0 ? -1 : wait < 0 ? 0 : (int)wait);
    if (ready < 0 && errno != EINTR) return 1;
    if (ready > 0) {
      if (size - used < 65536) buffer = realloc(buffer, size += 65536);
      if (buffer == NULL) return 1;
      ssize_t got = read(0, buffer + used, size - used - 1);
      if (got <= 0) return 0;
      used += got;
      buffer[used] = 0;
      char *from = buffer, *newline;
      while ((newline = strchr(from, '\n')) != NULL) {
        *newline = 0;
        take(from);
        from = newline + 1;
      }
      used -= from - buffer;
      memmove(buffer, from, used);
    }
    if (words >= 0 && clock_ms() >= due) word();
  }
}
