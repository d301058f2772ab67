#!/bin/sh
# Debian's Chromium, as Playwright starts it, without the suggestions of its address bar, which nobody sees: two pages of the browser's
# own for each window, which take more CPU time than most pages of ours. Of several lists Chromium knows the last one alone, and
# Playwright has one.
for word; do
  shift
  case $word in
    --disable-features=*) word=$word,WebUIOmniboxPopup,WebUIOmniboxAimPopup ;;
  esac
  set -- "$@" "$word"
done
exec /usr/bin/chromium "$@"
