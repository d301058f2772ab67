/** What begins our own keys. A session's stream (`config.events_to`) has no `/` in its name, so none is one of these. */
export const OWN = 'cc-docker/';
