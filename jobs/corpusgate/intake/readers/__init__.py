"""One module a format, found by its name: `read(member, reader)` and `class Options(Declared)`. One file adds one."""
