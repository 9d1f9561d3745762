# Takes from this process what a program that only computes does not need, then runs the program on stdin.
# Both filters are the kernel's (Landlock, seccomp) and cannot be taken back. What this kernel lacks is left out;
# called with the word `probe`, it says what was taken.


def _guard():
    import ctypes, os, platform, struct, sys

    libc = ctypes.CDLL(None, use_errno=True)
    call, taken = libc.syscall, []
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS

    def files():
        """Reads beneath the folders of Python and the system, all in the current folder, nothing elsewhere."""
        version = call(444, None, 0, 1)
        if version < 1:
            return False
        kinds = 13 + (version >= 2) + (version >= 3) + (version >= 5)
        everything = (1 << kinds) - 1
        net = 3 if version >= 4 else 0  # No TCP port is bound or connected to.
        attributes = struct.pack("=QQ", everything, net)[: 16 if version >= 4 else 8]
        rules = call(444, attributes, ctypes.c_size_t(len(attributes)), 0)
        if rules < 0:
            return False
        reading = 1 << 2 | 1 << 3
        system = {sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64"} | {path for path in sys.path if path}
        for path, allowed in [*((path, reading) for path in sorted(system)), (".", everything & ~(1 << 6 | 1 << 9 | 1 << 11))]:
            try:
                folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            if not os.path.isdir(path):
                allowed &= 1 << 2
            call(445, rules, 1, struct.pack("=Qi", allowed, folder), 0)
            os.close(folder)
        return call(446, rules, 0) == 0

    def processes():
        """No processes, programs, sockets, signals or other namespaces; threads are allowed."""
        # Audit number of the architecture; clone; then what is refused.
        tables = {
            "x86_64": (0xC000003E, 56, (57, 58, 59, 322, 41, 62, 101, 112, 200, 165, 166, 234, 272, 308, 311, 321, 424, 425, 250)),
            "aarch64": (0xC00000B7, 220, (221, 281, 198, 117, 129, 130, 131, 157, 40, 39, 97, 268, 271, 280, 424, 425, 219)),
        }
        if platform.machine() not in tables:
            return False
        arch, clone, refused = tables[platform.machine()]
        refuse, allow = 0x00050000 | 1, 0x7FFF0000
        code = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
        code += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, refuse)]
        for number in refused:
            code += [(0x15, 0, 1, number), (0x06, 0, 0, refuse)]
        # A C library that hears of no clone3 uses clone, whose flags can be seen.
        code += [(0x15, 0, 1, 435), (0x06, 0, 0, 0x00050000 | 38)]
        code += [(0x15, 0, 3, clone), (0x20, 0, 0, 16), (0x45, 1, 0, 0x10000), (0x06, 0, 0, refuse)]
        code.append((0x06, 0, 0, allow))
        text = b"".join(struct.pack("=HBBI", *line) for line in code)
        held = ctypes.create_string_buffer(text, len(text))
        program = struct.pack("@HP", len(code), ctypes.addressof(held))
        return libc.prctl(22, 2, program, 0, 0) == 0

    for step in (files, processes):
        try:
            if step():
                taken.append(step.__name__)
        except Exception:
            pass
    return taken


if __name__ == "__main__":
    import sys

    _source = sys.stdin.buffer.read()
    try:
        _taken = _guard()
    except Exception:
        _taken = []
    if sys.argv[1:] == ["probe"]:
        print(" ".join(_taken))
    else:
        exec(compile(_source, "<program>", "exec"), {})
