/* The least work a C-STORE SCP can do with the same promise as ours in C: the floor of the benchmark.
 *
 *     cc -O2 -pthread floor.c -o floor && ./floor PORT FOLDER
 *
 * It accepts everything, writes each dataset as a Part 10 file under a temporary name, fdatasyncs it,
 * renames it and answers success. One thread an association. It trusts its peer and checks nothing:
 * for the benchmark's own sender on loopback alone.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, PIECES = 256, MAX_PDU = 16384 };
enum { ASSOCIATE_RQ = 1, P_DATA = 4, RELEASE_RQ = 5 };
static const char *folder;

struct peer {
    int sock, file, count;
    size_t at, end;
    unsigned char *buffer;
    struct iovec piece[PIECES];
    char syntax[256][65];
    unsigned char sop_class[64], sop[64], message_id[2];
    unsigned sop_class_length, sop_length;
};

static uint32_t big(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static uint32_t little(const unsigned char *p) { return (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0]; }
static void put_big(unsigned char *p, uint32_t v) { p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v; }
static void put_little(unsigned char *p, uint32_t v) { p[3] = v >> 24, p[2] = v >> 16, p[1] = v >> 8, p[0] = v; }

static void leave(struct peer *peer) {
    close(peer->sock);
    free(peer->buffer);
    free(peer);
    pthread_exit(NULL);
}

static void write_pieces(struct peer *peer) {
    ssize_t want = 0;
    for (int i = 0; i < peer->count; i++) want += peer->piece[i].iov_len;
    if (peer->count && writev(peer->file, peer->piece, peer->count) != want) abort();
    peer->count = 0;
}

static void add_piece(struct peer *peer, void *start, size_t length) {
    if (peer->count == PIECES) write_pieces(peer);
    peer->piece[peer->count++] = (struct iovec){start, length};
}

/* have so many bytes in one stretch of the buffer */
static void need(struct peer *peer, size_t bytes) {
    if (peer->end - peer->at >= bytes) return;
    write_pieces(peer);
    if (bytes > BUFFER) leave(peer);
    memmove(peer->buffer, peer->buffer + peer->at, peer->end - peer->at);
    peer->end -= peer->at, peer->at = 0;
    while (peer->end < bytes) {
        ssize_t got = recv(peer->sock, peer->buffer + peer->end, BUFFER - peer->end, 0);
        if (got <= 0) leave(peer);
        peer->end += got;
    }
}

static void say(struct peer *peer, const void *words, size_t length) {
    if (send(peer->sock, words, length, MSG_NOSIGNAL) != (ssize_t)length) leave(peer);
}

/* PS3.8 9.3.3: accept each context with the first transfer syntax that it proposes */
static void accept_association(struct peer *peer, uint32_t length) {
    need(peer, length);
    unsigned char *request = peer->buffer + peer->at, answer[65536] = {2};
    size_t n = 74;
    memcpy(answer + 6, request, 68);
    for (size_t at = 68; at + 4 <= length;) {
        unsigned char *item = request + at;
        size_t size = 4 + (item[2] << 8 | item[3]);
        if (item[0] == 0x10) memcpy(answer + n, item, size), n += size;
        for (size_t sub = 8; item[0] == 0x20 && sub + 4 <= size;) {
            size_t sub_size = 4 + (item[sub + 2] << 8 | item[sub + 3]);
            if (item[sub] == 0x40) {
                unsigned char head[8] = {0x21, 0, 0, 4 + sub_size, item[4]};
                memcpy(answer + n, head, 8), memcpy(answer + n + 8, item + sub, sub_size), n += 8 + sub_size;
                memcpy(peer->syntax[item[4]], item + sub + 4, sub_size - 4);
                break;
            }
            sub += sub_size;
        }
        at += size;
    }
    unsigned char user[] = {0x50, 0, 0, 17, 0x51, 0, 0, 4, 0, 0, MAX_PDU >> 8, 0, 0x52, 0, 0, 5, '1', '.', '2', '.', '3'};
    memcpy(answer + n, user, sizeof user), n += sizeof user;
    put_big(answer + 2, n - 6);
    peer->at += length;
    say(peer, answer, n);
}

static size_t meta(unsigned char *p, unsigned element, const void *value, unsigned length) {
    unsigned even = length + length % 2;
    memcpy(p, (unsigned char[]){2, 0, element, 0, 'U', 'I', even, 0}, 8);
    memset(p + 8, 0, even), memcpy(p + 8, value, length);
    return 8 + even;
}

static void name(char *path, struct peer *peer, const char *suffix) {
    snprintf(path, 600, "%s/%.*s%s", folder, (int)peer->sop_length, (char *)peer->sop, suffix);
}

/* a C-STORE command: remember what the answer needs, open the file and write its head */
static void begin_object(struct peer *peer, unsigned context, uint32_t length) {
    need(peer, length);
    unsigned char *command = peer->buffer + peer->at;
    static __thread unsigned char head[600];
    char partial[600];
    for (size_t at = 0; at + 8 <= length; at += 8 + little(command + at + 4)) {
        unsigned element = command[at + 2] | command[at + 3] << 8;
        uint32_t size = little(command + at + 4);
        if (element == 0x110) memcpy(peer->message_id, command + at + 8, 2);
        if (element == 0x2) memcpy(peer->sop_class, command + at + 8, size), peer->sop_class_length = size;
        if (element == 0x1000) memcpy(peer->sop, command + at + 8, size), peer->sop_length = size;
    }
    peer->at += length;
    name(partial, peer, ".part");
    peer->file = open(partial, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (peer->file < 0) abort();
    memset(head, 0, 128), memcpy(head + 128, "DICM\2\0\0\0UL\4\0", 12);
    size_t n = 144;
    memcpy(head + n, "\2\0\1\0OB\0\0\2\0\0\0\0\1", 14), n += 14;
    n += meta(head + n, 2, peer->sop_class, peer->sop_class_length);
    n += meta(head + n, 3, peer->sop, peer->sop_length);
    n += meta(head + n, 0x10, peer->syntax[context], strlen(peer->syntax[context]));
    put_little(head + 140, n - 144);
    add_piece(peer, head, n);
}

static size_t element(unsigned char *p, unsigned number, const void *value, uint32_t length) {
    memset(p, 0, 2), p[2] = number, p[3] = number >> 8;
    put_little(p + 4, length), memcpy(p + 8, value, length);
    return 8 + length;
}

static void end_object(struct peer *peer, unsigned context) {
    char partial[600], final[600];
    unsigned char r[400] = {P_DATA}, size[4];
    write_pieces(peer);
    name(partial, peer, ".part"), name(final, peer, ".dcm");
    if (fdatasync(peer->file) || close(peer->file) || rename(partial, final)) abort();
    size_t n = 24;
    n += element(r + n, 0x2, peer->sop_class, peer->sop_class_length);
    n += element(r + n, 0x100, "\1\200", 2);
    n += element(r + n, 0x120, peer->message_id, 2);
    n += element(r + n, 0x800, "\1\1", 2);
    n += element(r + n, 0x900, "\0\0", 2);
    n += element(r + n, 0x1000, peer->sop, peer->sop_length);
    put_little(size, n - 24), element(r + 12, 0, size, 4);
    put_big(r + 2, n - 6), put_big(r + 6, n - 10), r[10] = context, r[11] = 3;
    say(peer, r, n);
}

static void data(struct peer *peer, uint32_t length) {
    while (length) {
        need(peer, 6);
        uint32_t size = big(peer->buffer + peer->at);
        unsigned context = peer->buffer[peer->at + 4], control = peer->buffer[peer->at + 5];
        peer->at += 6, length -= 4 + size, size -= 2;
        if (control & 1) {
            begin_object(peer, context, size);
            continue;
        }
        while (size) {
            need(peer, 1);
            size_t here = peer->end - peer->at < size ? peer->end - peer->at : size;
            add_piece(peer, peer->buffer + peer->at, here);
            peer->at += here, size -= here;
        }
        if (control & 2) end_object(peer, context);
    }
}

static void *serve(void *argument) {
    struct peer *peer = calloc(1, sizeof *peer);
    int on = 1;
    peer->sock = (int)(intptr_t)argument, peer->buffer = malloc(BUFFER);
    setsockopt(peer->sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (;;) {
        need(peer, 6);
        unsigned kind = peer->buffer[peer->at];
        uint32_t length = big(peer->buffer + peer->at + 2);
        peer->at += 6;
        if (kind == ASSOCIATE_RQ) accept_association(peer, length);
        else if (kind == P_DATA) data(peer, length);
        else if (kind == RELEASE_RQ) need(peer, length), peer->at += length, say(peer, "\6\0\0\0\0\4\0\0\0\0", 10);
        else leave(peer);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int on = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK), folder = arguments[2];
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (void *)&here, sizeof here) || listen(listening, 128)) return 2;
    for (;;) {
        int sock = accept(listening, NULL, NULL);
        pthread_t thread;
        if (sock < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)sock)) return 1;
        pthread_detach(thread);
    }
}
