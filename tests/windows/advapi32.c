/* A double of the event log: it takes the place of advapi32.dll beside a program, writes each call as one line of JSON to the file
   DOUBLE_CALLS, and fails when it is told to:

   DOUBLE_OPEN_ERRORS, DOUBLE_REPORT_ERRORS   what the calls meet, one after the other: numbers of Windows with commas, 0 is none
   DOUBLE_REGISTRY_ERROR                      what every RegCreateKeyExW meets
   DOUBLE_RESTARTS_AFTER                      after so many reports all handles that were given out are wrong, as after a restart of the service

   The registry is the real one. */
#include <stdio.h>
#include <windows.h>

#define LONGEST_STRING 31839
#define MOST_DATA 61440

static LONG opens, reports, generation = 1;

/* The number at `index` in a list of the environment; 0 behind its end. */
static DWORD listed(const char *name, LONG index) {
    char list[256];
    DWORD length = GetEnvironmentVariableA(name, list, sizeof list);
    if (length == 0 || length >= sizeof list) return 0;
    char *at = list;
    for (; index > 0; index--) {
        at = strchr(at, ',');
        if (!at) return 0;
        at++;
    }
    return (DWORD)strtoul(at, NULL, 10);
}

static char *put_string(char *out, const WCHAR *text) {
    if (!text) return out + sprintf(out, "null");
    *out++ = '"';
    for (; *text; text++) {
        int is_plain = *text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\';
        out += is_plain ? sprintf(out, "%c", (char)*text) : sprintf(out, "\\u%04x", *text);
    }
    *out++ = '"';
    *out = 0;
    return out;
}

static void keep(const char *line, size_t length) {
    char path[MAX_PATH];
    DWORD written;
    if (!GetEnvironmentVariableA("DOUBLE_CALLS", path, sizeof path)) return;
    HANDLE file = CreateFileA(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    WriteFile(file, line, (DWORD)length, &written, NULL);
    CloseHandle(file);
}

static HANDLE handle_now(void) { return (HANDLE)(ULONG_PTR)(0x1000 + generation); }

__declspec(dllexport) HANDLE WINAPI RegisterEventSourceW(LPCWSTR server, LPCWSTR source) {
    char line[4096], *end = line;
    DWORD error = listed("DOUBLE_OPEN_ERRORS", InterlockedIncrement(&opens) - 1);
    end += sprintf(end, "{\"call\":\"open\",\"server\":");
    end = put_string(end, server);
    end += sprintf(end, ",\"source\":");
    end = put_string(end, source);
    end += sprintf(end, ",\"error\":%lu}\n", error);
    keep(line, end - line);
    if (error) {
        SetLastError(error);
        return NULL;
    }
    return handle_now();
}

__declspec(dllexport) BOOL WINAPI DeregisterEventSource(HANDLE source) {
    char line[128];
    DWORD error = source == handle_now() ? 0 : ERROR_INVALID_HANDLE;
    keep(line, sprintf(line, "{\"call\":\"close\",\"error\":%lu}\n", error));
    if (error) SetLastError(error);
    return !error;
}

static DWORD refusal(HANDLE source, WORD count, LPCWSTR *strings, DWORD size) {
    LONG number = InterlockedIncrement(&reports);
    DWORD restart = listed("DOUBLE_RESTARTS_AFTER", 0);
    if (restart && number == (LONG)restart + 1) generation++;
    if (source != handle_now()) return ERROR_INVALID_HANDLE;
    for (WORD i = 0; i < count; i++)
        if (wcslen(strings[i]) > LONGEST_STRING) return RPC_S_INVALID_BOUND;
    return size > MOST_DATA ? RPC_S_INVALID_BOUND : listed("DOUBLE_REPORT_ERRORS", number - 1);
}

__declspec(dllexport) BOOL WINAPI ReportEventW(HANDLE source, WORD type, WORD category, DWORD id, PSID user, WORD count, DWORD size,
                                               LPCWSTR *strings, LPVOID data) {
    DWORD error = refusal(source, count, strings, size);
    size_t room = 4096 + 2 * (size_t)size;
    for (WORD i = 0; i < count; i++) room += 6 * wcslen(strings[i]) + 8;
    char *line = HeapAlloc(GetProcessHeap(), 0, room), *end = line;
    if (!line) abort();
    end += sprintf(end, "{\"call\":\"report\",\"type\":%u,\"category\":%u,\"id\":%lu,\"user\":%s,\"strings\":[", type, category, id,
                   user ? "true" : "null");
    for (WORD i = 0; i < count; i++) {
        if (i) *end++ = ',';
        end = put_string(end, strings[i]);
    }
    end += sprintf(end, "],\"data\":%s", data ? "\"" : "null");
    for (DWORD i = 0; data && i < size; i++) end += sprintf(end, "%02x", ((BYTE *)data)[i]);
    end += sprintf(end, "%s,\"size\":%lu,\"error\":%lu}\n", data ? "\"" : "", size, error);
    keep(line, end - line);
    HeapFree(GetProcessHeap(), 0, line);
    if (error) SetLastError(error);
    return !error;
}

typedef LSTATUS(WINAPI *CreateKey)(HKEY, LPCWSTR, DWORD, LPWSTR, DWORD, REGSAM, LPSECURITY_ATTRIBUTES, PHKEY, LPDWORD);

__declspec(dllexport) LSTATUS WINAPI RegCreateKeyExW(HKEY key, LPCWSTR name, DWORD reserved, LPWSTR class, DWORD options, REGSAM access,
                                                     LPSECURITY_ATTRIBUTES security, PHKEY result, LPDWORD disposition) {
    DWORD error = listed("DOUBLE_REGISTRY_ERROR", 0);
    if (error) return error;
    CreateKey real = (CreateKey)(void *)GetProcAddress(GetModuleHandleA("kernelbase"), "RegCreateKeyExW");
    return real(key, name, reserved, class, options, access, security, result, disposition);
}

/* Random bytes, which the standard library may ask for; nothing of the tests needs good ones. */
__declspec(dllexport) BOOLEAN WINAPI SystemFunction036(PVOID bytes, ULONG count) {
    static ULONGLONG state;
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    state ^= (ULONGLONG)now.QuadPart | 1;
    for (ULONG i = 0; i < count; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        ((BYTE *)bytes)[i] = (BYTE)(state >> 56);
    }
    return TRUE;
}
