/** The bundler takes them, and gives nothing for them. */
declare module '*.css';
